//! Adapter files: bytes and names. Nothing mathematical.
//!
//! ```text
//! Source ─► read_header ─► Adapter::open ─► read_modules ─► factors with their scale
//!           (safetensors)   (dialect, layout,   (only the bytes
//!                            config: names)      asked for)
//! OutTensor… ─► header_bytes ─► a file that every loader reads with scale 1
//! ```
//!
//! Everything in a file is treated as hostile: lengths are capped before anything is allocated, arithmetic is
//! checked, and what is not understood is refused by name rather than guessed at.

pub mod adapter;
mod assemble;
pub mod base;
pub mod config;
pub mod dialect;
pub mod display;
pub mod dtype;
pub mod error;
mod extras;
mod fixes;
pub mod hash;
mod json;
pub mod kind;
pub mod layout;
pub mod limits;
pub mod metadata;
pub mod module;
mod native;
pub mod part;
mod pattern;
pub mod peft_config;
pub mod peft_lycoris;
pub mod read;
pub mod safetensors;
mod sniff;
pub mod source;
pub mod writer;

pub use adapter::{Adapter, Family};
pub use base::{Base, BaseWeight};
pub use config::PeftConfig;
pub use dialect::{DialectId, NamingContext, OutputKeys, check_components, output_keys};
pub use dtype::Dtype;
pub use error::{Error, Kind, Place, Result, Warning};
pub use fixes::fix;
pub use hash::{Hashes, hashes};
pub use kind::KindId;
pub use limits::Limits;
pub use metadata::{Described, MergedFacts, MergedModule, MetadataMode, describe};
pub use module::{Alpha, Component, Extra, Module, ModuleKey, ModuleShape};
pub use native::native;
pub use part::Part;
pub use peft_config::{PeftModule, peft_config};
pub use peft_lycoris::PeftLycoris;
pub use read::{Stored, Tensor, read_alphas, read_modules, read_raw};
pub use safetensors::{Header, TensorInfo, read_header};
pub use source::Source;
pub use writer::{OutTensor, header_bytes, header_room, sort_tensors};
