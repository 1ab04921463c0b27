//! The browser: the engine in a worker, and the client that drives a pool of them.
//!
//! One protocol ([`protocol`]) with two faces, chosen by features:
//!
//! | feature | linked into | does |
//! |---|---|---|
//! | `worker` | `engine.wasm`, run by every worker | opens adapters, plans, merges modules, assembles the file |
//! | `client` | the page | starts workers, hands out modules, cancels, replaces what crashed |
//!
//! There is one *desk* and several *hands*, all running the same `engine.wasm`; where a method looks at every entry, one
//! more hand has the GPU and waits for it, while the others never wait. The desk opens adapters, answers
//! what a merge would give, and puts the output file together; the hands each merge one task at a time. Every
//! worker reads its own slices of the dropped `File`s, so no tensor ever passes through the page and neither
//! shared memory nor special headers are needed.

pub mod protocol;
pub mod recipes;
pub mod said;
pub mod wire;

mod inbox;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "worker")]
pub mod worker;
