//! `rankweave methods`.

use crate::args::Methods;
use crate::show;
use rankweave_adapter::Error;
use rankweave_merge::{ParamKind, registry};

pub(crate) fn run(args: &Methods) -> Result<(), Vec<Error>> {
    let specs: Vec<_> = registry().iter().map(|method| method.spec()).collect();
    if args.json {
        show::json(&specs);
        return Ok(());
    }
    for spec in specs {
        println!("{:<10}{}", spec.id, spec.summary);
        println!("          {}", spec.formula);
        for param in spec.params {
            println!("          --param {}={}", param.name, range(&param.kind));
            println!("              {}", param.help);
        }
        println!();
    }
    Ok(())
}

fn range(kind: &ParamKind) -> String {
    match kind {
        ParamKind::Number { default, min, max, .. } => format!("{default}  (from {min} to {max})"),
        ParamKind::Choice { default, options } => {
            let ids: Vec<_> = options.iter().map(|o| o.id).collect();
            format!("{default}  (one of {})", ids.join(", "))
        }
        ParamKind::Flag { default } => format!("{default}  (true or false)"),
    }
}
