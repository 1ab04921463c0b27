//! The report module by module, a page of rows at a time, fetched from the engine when asked for.

use crate::format::{count, error, percent};
use crate::state::state;
use leptos::{prelude::*, task::spawn_local};
use rankweave_wasm::protocol::Row;

/// Rows per page: few enough to appear within a frame.
const PAGE: u32 = 50;

/// A button, and then the table.
#[component]
pub fn Rows(
    /// How many rows there are in all.
    modules: u32,
) -> impl IntoView {
    let state = state();
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
    let shown = move || rows.with(|rows| u32::try_from(rows.len()).unwrap_or(u32::MAX));
    let name = move || match (shown(), modules.saturating_sub(shown())) {
        (0, _) => format!("Show {}", count(modules, "module")),
        (_, rest) => format!("Show {} more", rest.min(PAGE)),
    };
    view! {
        <Show when=move || { shown() > 0 }>
            <div class="table-frame" tabindex="0" role="group" aria-label="Modules">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"Module"</th>
                            <th scope="col">"Size"</th>
                            <th scope="col">"Ranks"</th>
                            <th scope="col">"Energy"</th>
                            <th scope="col">"Error"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.get() key=|row| row.module.clone() let:row>
                            <tr>
                                <th scope="row">{row.module.clone()}</th>
                                <td>{format!("{} × {}", row.out, row.columns)}</td>
                                <td>{ranks(&row)}</td>
                                <td>{percent(row.energy)}</td>
                                <td>{error(row.residual)}</td>
                            </tr>
                        </For>
                    </tbody>
                </table>
            </div>
        </Show>
        <Show when=move || { shown() < modules && !lost.get() }>
            <button class="button" type="button" on:click=more>
                {name}
            </button>
        </Show>
        <Show when=move || lost.get()>
            <p class="note warn">
                <span>"The table is gone: the engine was restarted. Merge again, or save the report."</span>
            </p>
        </Show>
    }
}

/// `4 + 4 → 8`; a dash where an adapter lacks the module.
fn ranks(row: &Row) -> String {
    let one = |rank: &u32| if *rank == 0 { "–".to_owned() } else { rank.to_string() };
    let sources: Vec<_> = row.source_ranks.iter().map(one).collect();
    format!("{} → {}", sources.join(" + "), row.rank)
}
