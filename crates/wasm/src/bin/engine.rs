//! `engine.wasm`: what every worker runs.

fn main() {
    rankweave_wasm::worker::start();
}
