//! `rankweave methods`.

use crate::args::Methods;
use crate::show;
use rankweave_adapter::Error;
use rankweave_merge::{OUTPUT, ParamKind, ParamSpec, registry};

pub(crate) fn run(args: &Methods) -> Result<(), Vec<Error>> {
    let specs: Vec<_> = registry().iter().map(|method| method.spec()).collect();
    if args.json {
        show::json(&specs);
        return Ok(());
    }
    for section in specs.chunk_by(|a, b| a.section == b.section) {
        println!("{}\n", section.first().map_or("", |spec| spec.section.title()));
        for spec in section {
            let experimental = if spec.experimental { " (experimental)" } else { "" };
            println!("{:<16}{}{experimental}", spec.id, spec.summary);
            println!("{:16}{}", "", spec.formula);
            spec.params.iter().for_each(param);
            println!();
        }
    }
    println!("Every method\n");
    OUTPUT.iter().for_each(param);
    Ok(())
}

fn param(param: &ParamSpec) {
    println!("{:16}--param {}={}", "", param.name, range(&param.kind));
    println!("{:20}{}", "", param.help);
}

fn range(kind: &ParamKind) -> String {
    match kind {
        ParamKind::Number { default, min, max, .. } => format!("{default}  (from {min} to {max})"),
        ParamKind::Choice { default, options } => {
            let ids: Vec<_> = options.iter().map(|o| o.id).collect();
            format!("{default}  (one of {})", ids.join(", "))
        }
        ParamKind::Flag { default } => format!("{default}  (true or false)"),
        ParamKind::Text { most } => format!("…  (text of at most {most} bytes)"),
    }
}
