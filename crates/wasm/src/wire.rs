//! A message on the wire: `[number, body, attached…]`.
//!
//! The number pairs an answer with its question; 0 is an event nobody asked for. The body is a
//! [`crate::protocol`] value, the rest are JavaScript objects that ride along.

use js_sys::Array;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

/// Packs a message.
///
/// # Errors
/// If the body cannot be a JavaScript value, for instance an integer above 2⁵³.
pub fn pack(number: u32, body: &impl Serialize, attached: &[JsValue]) -> Result<Array, String> {
    let body = serde_wasm_bindgen::to_value(body).map_err(|e| e.to_string())?;
    let message = Array::of2(&number.into(), &body);
    for value in attached {
        message.push(value);
    }
    Ok(message)
}

/// Unpacks a message into number, body and what was attached.
///
/// # Errors
/// If it is not a message of this protocol.
pub fn unpack<T: DeserializeOwned>(message: &JsValue) -> Result<(u32, T, Vec<JsValue>), String> {
    let message: &Array = wasm_bindgen::JsCast::dyn_ref(message).ok_or("not a message")?;
    let number = message.get(0).as_f64().ok_or("a message without number")?;
    let body = serde_wasm_bindgen::from_value(message.get(1)).map_err(|e| e.to_string())?;
    // Numbers come from a u32 counter, so nothing is cut off.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number was a u32")]
    let number = number as u32;
    Ok((number, body, message.iter().skip(2).collect()))
}
