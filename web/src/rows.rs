//! The report module by module, a page of rows at a time, fetched from the engine when asked for.

use crate::format::{count, error, percent};
use crate::live;
use crate::state::State;
use leptos::{prelude::*, task::spawn_local};
use rankweave_wasm::protocol::Row;

/// Rows per page: few enough to appear within a frame.
const PAGE: u32 = 50;

/// A button, and then the table; `modules` is how many rows there are in all.
pub fn rows(state: State, modules: u32) -> AnyView {
    let rows: RwSignal<Vec<Row>> = RwSignal::default();
    let lost = RwSignal::new(false);
    let more = move |_| {
        let Some(engine) = state.engine.get_untracked() else { return };
        spawn_local(async move {
            let from = u32::try_from(rows.with_untracked(Vec::len)).unwrap_or(u32::MAX);
            match engine.rows(from, PAGE).await {
                Ok(new) => rows.update(|all| all.extend(new)),
                Err(_) => lost.set(true),
            }
        });
    };
    let rest =
        live::memo(move || rows.with(|rows| modules.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX))));
    let name = move || match rest.get() {
        rest if rest == modules => format!("Show {}", count(modules, "module")),
        rest => format!("Show {} more", rest.min(PAGE)),
    };
    view! {
        <div class="table-frame" tabindex="0" role="group" aria-label="Modules" hidden=live::signal(move || rest.get() == modules)>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Module"</th>
                        <th scope="col">"Rank"</th>
                        <th scope="col">"Energy"</th>
                        <th scope="col">"Residual"</th>
                    </tr>
                </thead>
                <tbody>{live::part(move || rows.with(|rows| live::list(rows, line)))}</tbody>
            </table>
        </div>
        <button class="button" type="button" hidden=live::signal(move || rest.get() == 0 || lost.get()) on:click=more>
            {live::signal(name)}
        </button>
        <p class="note warn" hidden=live::signal(move || !lost.get())>
            <span>"The table is gone: the engine was restarted. Merge again, or save the report."</span>
        </p>
    }
    .into_any()
}

fn line(row: &Row) -> AnyView {
    view! {
        <tr>
            <th scope="row">
                {row.module.clone()} <span class="muted">{format!("{} × {}", row.out, row.columns)}</span>
            </th>
            <td>{ranks(row)}</td>
            <td>{percent(row.energy)}</td>
            <td>{error(row.residual)}</td>
        </tr>
    }
    .into_any()
}

/// `4 + 4 → 8`; a dash where an adapter lacks the module.
fn ranks(row: &Row) -> String {
    let one = |rank: &u32| if *rank == 0 { "–".to_owned() } else { rank.to_string() };
    let sources: Vec<_> = row.source_ranks.iter().map(one).collect();
    format!("{} → {}", sources.join(" + "), row.rank)
}
