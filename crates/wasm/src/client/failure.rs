//! Why something the page asked for did not happen.

use rankweave_adapter::{Error, Kind};
use wasm_bindgen::JsValue;

/// Why not.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The user said stop.
    Cancelled,
    /// All reasons at once; at least one.
    Errors(Vec<Error>),
}

impl Failure {
    /// A worker stopped because of a fault of ours, or for want of memory.
    pub fn crashed(message: &str) -> Self {
        let hint = "Your adapters and settings are kept, and the worker was replaced: try again. \
                    If it happens again, close other tabs or ask for a lower rank, and please report it.";
        let error = Error::new(Kind::Limit, "The merging engine stopped").found(message).hint(hint);
        Failure::Errors(vec![error])
    }

    /// The browser refused something.
    pub fn from_js(reason: &JsValue) -> Self {
        let message = String::from(js_sys::Error::from(reason.clone()).message());
        let hint = "Reload the page; if that does not help, try another browser.";
        Failure::Errors(vec![Error::new(Kind::Io, "The browser refused").found(message).hint(hint)])
    }

    /// Nothing was heard of the GPU.
    pub fn silent() -> Self {
        let hint = "The CPU does the same work. Restarting the browser may help, or newer drivers.";
        Failure::Errors(vec![Error::new(Kind::Device, "No GPU can be used").found("it did not answer").hint(hint)])
    }

    /// The engine gave an answer that does not fit the question.
    pub fn unexpected() -> Self {
        let hint = "Reload the page: its parts are probably of different versions.";
        Failure::Errors(vec![
            Error::new(Kind::Unsupported, "The page and its engine do not understand each other").hint(hint),
        ])
    }
}
