//! The report module by module, a page of rows at a time, fetched from the engine when asked for.

use crate::format::{count, error, number, percent};
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
                {details(&row.details)}
                {picture(&row.picture)}
            </th>
            <td>{ranks(row)}</td>
            <td>{percent(row.energy)}</td>
            <td>{error(row.residual)}</td>
        </tr>
    }
    .into_any()
}

/// What the method tells of a module.
fn details(details: &[(String, f64)]) -> AnyView {
    if details.is_empty() {
        return live::nothing();
    }
    let one = |(name, value): &(String, f64)| format!("{} {}", name.replace('-', " "), number(*value));
    let text = details.iter().map(one).collect::<Vec<_>>().join(" · ");
    view! { <div class="details muted">{text}</div> }.into_any()
}

/// The rank-one units of a module: near ones are alike, a colour is a group, a row of shapes an adapter.
fn picture(points: &[(f32, f32, u32, u32)]) -> AnyView {
    if points.is_empty() {
        return live::nothing();
    }
    let one = |(x, y, cluster, source): &(f32, f32, u32, u32)| {
        let (x, y) = (4.0 + 92.0 * x, 4.0 + 92.0 * y);
        let class = format!("unit thread-{}", cluster % 8);
        let title = format!("group {}, adapter {}", cluster + 1, source + 1);
        // Circles, squares and diamonds tell adapters apart without colour.
        let shape = match source % 3 {
            0 => format!("M{} {y}a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0 -3.2 0z", x - 1.6),
            1 => format!("M{} {}h3v3h-3z", x - 1.5, y - 1.5),
            _ => format!("M{x} {}l2 2l-2 2l-2 -2z", y - 2.0),
        };
        view! {
            <path class=class d=shape>
                <title>{title}</title>
            </path>
        }
        .into_any()
    };
    view! {
        <details class="picture">
            <summary>"Groups of rank-one units"</summary>
            <svg viewBox="0 0 100 100" role="img" aria-label="Rank-one units of this module in a plane; a colour is a group, a shape an adapter">
                {live::list(points, one)}
            </svg>
        </details>
    }
    .into_any()
}

/// `4 + 4 → 8`; a dash where an adapter lacks the module.
fn ranks(row: &Row) -> String {
    let one = |rank: &u32| if *rank == 0 { "–".to_owned() } else { rank.to_string() };
    let sources: Vec<_> = row.source_ranks.iter().map(one).collect();
    format!("{} → {}", sources.join(" + "), row.rank)
}
