//! The page: drop adapters, set weights, merge, save.
//!
//! It shows and asks, and never computes: every number on it comes from the engine's workers
//! ([`rankweave_wasm::client`]), and what the user chose goes there as
//! [`Settings`](rankweave_wasm::protocol::Settings). One component per file; the state they share is in [`state`].

mod about;
mod address;
mod announce;
mod app;
mod base;
mod block_tools;
mod blocks;
mod boot;
mod card;
mod check;
mod compare;
mod conflicts;
mod copy;
mod drop;
mod embed;
mod entries;
mod estimate;
mod explain;
mod fetcher;
mod field;
mod fit;
mod form;
mod format;
mod gpu;
mod icons;
mod identity;
mod job;
mod live;
mod markup;
mod merge_bar;
mod method;
mod output;
mod pairing;
mod poster;
mod privacy;
mod recall;
mod report;
mod result;
mod rows;
mod samples;
mod share;
mod shortcuts;
mod slider;
mod slots;
mod snippets;
mod state;
mod theme;
mod trouble;
mod wait;
mod weight;

fn main() {
    console_error_panic_hook::set_once();
    boot::start();
}
