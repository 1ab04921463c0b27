//! A message on the wire: `[number, sort, body, attached…]`.
//!
//! The number pairs an answer with its question; 0 is an event nobody asked for. The body is a
//! [`crate::protocol`] value, the rest are JavaScript objects that ride along.

use js_sys::Array;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sort {
    /// From the page: a [`crate::protocol::Request`].
    Ask,
    /// From a worker: what was asked for.
    Answer,
    /// From a worker: the list of reasons why not.
    Failed,
    /// From a worker that is about to stop through a fault of ours: the message.
    Panic,
    /// From a worker: how far the answer to a question is, 0 to 1.
    Step,
    /// From a worker that asked the network for something, which it never should: how often so far.
    Requested,
}

const SORTS: [Sort; 6] = [Sort::Ask, Sort::Answer, Sort::Failed, Sort::Panic, Sort::Step, Sort::Requested];

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Pairs answers with questions.
    pub number: u32,
    /// What it is.
    pub sort: Sort,
    /// Its content.
    pub body: JsValue,
    /// What rides along.
    pub attached: Vec<JsValue>,
}

impl Message {
    /// A message about `body`.
    ///
    /// # Errors
    /// If the body cannot be a JavaScript value, for instance an integer above 2⁵³.
    pub fn new(number: u32, sort: Sort, body: &impl Serialize, attached: Vec<JsValue>) -> Result<Self, String> {
        let body = serde_wasm_bindgen::to_value(body).map_err(|e| e.to_string())?;
        Ok(Message { number, sort, body, attached })
    }

    /// As it is posted.
    pub fn to_js(&self) -> Array {
        let message = Array::of3(&self.number.into(), &(self.sort as u8).into(), &self.body);
        for value in &self.attached {
            message.push(value);
        }
        message
    }

    /// As it was posted.
    ///
    /// # Errors
    /// If it is not a message of this protocol.
    pub fn from_js(message: &JsValue) -> Result<Self, String> {
        let message: &Array = message.dyn_ref().ok_or("not a message")?;
        let part = |index| message.get(index).as_f64().ok_or("a message without number or sort");
        // Both were small whole numbers before they were posted, so nothing is cut off.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they were a u32 and a u8")]
        let (number, sort) = (part(0)? as u32, part(1)? as usize);
        let sort = *SORTS.get(sort).ok_or("a message of unknown sort")?;
        Ok(Message { number, sort, body: message.get(2), attached: message.iter().skip(3).collect() })
    }

    /// The content.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_wasm_bindgen::from_value(self.body.clone()).map_err(|e| e.to_string())
    }
}
