//! The JSON text of a safetensors header, parsed strictly.
//!
//! ```text
//! { "__metadata__": {"key": "text", …} | null,
//!   "tensor name":  {"dtype": "F16", "shape": [320, 4], "data_offsets": [0, 2560]}, … }
//! ```
//!
//! General JSON readers keep the last of two equal keys, which lets one file mean different things to two loaders;
//! here a repeated key is an error. Nothing but the grammar above is ever descended into, so nesting cannot run away.

use crate::dtype::Dtype;
use crate::error::{Error, Kind, Result};
use crate::limits::Limits;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// One tensor as the header states it; offsets count from the start of the data.
pub(crate) struct Entry {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<u64>,
    pub begin: u64,
    pub end: u64,
}

/// The header as it stands, not yet checked against itself.
#[derive(Default)]
pub(crate) struct RawHeader {
    pub entries: Vec<Entry>,
    pub metadata: BTreeMap<String, String>,
    pub null_metadata: bool,
}

/// Parses `text`. Offsets in errors count from the start of `text`.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<RawHeader> {
    let fault = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed =
        HeaderSeed { limits, fault: &fault }.deserialize(&mut reader).and_then(|header| reader.end().map(|()| header));
    parsed.map_err(|e| {
        let line = e.line().max(1) - 1;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let offset = (start + e.column()).min(text.len()) as u64;
        let own = fault.into_inner().unwrap_or_else(|| {
            let message = e.to_string();
            let found = message.split(" at line ").next().unwrap_or_default();
            Error::new(Kind::Malformed, "The header is not the JSON that safetensors asks for")
                .found(found)
                .hint("The file is damaged or was written by a faulty tool; download it again.")
        });
        own.offset(offset)
    })
}

/// Remembers `error` for [`parse`] and stops the reader.
fn stop<E: de::Error>(fault: &RefCell<Option<Error>>, error: Error) -> E {
    *fault.borrow_mut() = Some(error);
    E::custom("stopped")
}

#[derive(Clone, Copy)]
struct HeaderSeed<'a> {
    limits: &'a Limits,
    fault: &'a RefCell<Option<Error>>,
}

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = RawHeader;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<RawHeader, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = RawHeader;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<RawHeader, A::Error> {
        let (mut header, mut seen) = (RawHeader::default(), false);
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                if seen {
                    return Err(stop(self.fault, repeated(&name)));
                }
                seen = true;
                match map.next_value_seed(MetadataSeed(self))? {
                    Some(m) => header.metadata = m,
                    None => header.null_metadata = true,
                }
                continue;
            }
            self.check_name(&name, header.entries.len()).map_err(|e| stop(self.fault, e))?;
            let mut entry = map.next_value_seed(EntrySeed(self, &name))?;
            entry.name = name;
            header.entries.push(entry);
        }
        Ok(header)
    }
}

impl HeaderSeed<'_> {
    fn check_name(&self, name: &str, before: usize) -> Result<()> {
        if before >= self.limits.tensors {
            return Err(too_many("tensors", self.limits.tensors));
        }
        if name.len() > self.limits.name_bytes {
            let found = format!("{} bytes", name.len());
            return Err(Error::new(Kind::Limit, "A tensor's name is too long")
                .expected(format!("at most {} bytes", self.limits.name_bytes))
                .found(found)
                .key(name.chars().take(80).collect::<String>()));
        }
        if name.chars().any(char::is_control) {
            return Err(Error::new(Kind::Malformed, "A tensor's name holds a control character").key(name));
        }
        Ok(())
    }
}

/// The error for a key that stands twice in one object.
pub(crate) fn repeated(key: &str) -> Error {
    Error::new(Kind::Malformed, "A key stands twice in the header")
        .key(key)
        .hint("Two loaders may read such a file differently, so it is refused; save it again with a sound tool.")
}

fn too_many(what: &str, cap: usize) -> Error {
    Error::new(Kind::Limit, format!("The header lists too many {what}")).expected(format!("at most {cap}"))
}

/// The value of `__metadata__`: a map of texts, or null.
struct MetadataSeed<'a>(HeaderSeed<'a>);

impl<'de> DeserializeSeed<'de> for MetadataSeed<'_> {
    type Value = Option<BTreeMap<String, String>>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<Self::Value, D::Error> {
        d.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed<'_> {
    type Value = Option<BTreeMap<String, String>>;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("__metadata__ to be an object of texts, or null")
    }

    fn visit_none<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> std::result::Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut out = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if out.len() >= self.0.limits.metadata_entries {
                return Err(stop(self.0.fault, too_many("metadata entries", self.0.limits.metadata_entries)));
            }
            let value = map.next_value::<String>()?;
            if out.contains_key(&key) {
                return Err(stop(self.0.fault, repeated(&key)));
            }
            out.insert(key, value);
        }
        Ok(Some(out))
    }
}

/// One tensor's three fields; the name is for messages.
struct EntrySeed<'a>(HeaderSeed<'a>, &'a str);

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = Entry;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<Entry, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed<'_> {
    type Value = Entry;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entry, A::Error> {
        let EntrySeed(HeaderSeed { limits, fault }, name) = self;
        let bad = |what: String| stop(fault, Error::new(Kind::Malformed, what).key(name));
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        while let Some(field) = map.next_key::<String>()? {
            let again = match field.as_str() {
                "dtype" => {
                    let text = map.next_value::<String>()?;
                    let known = dtype_from_name(&text);
                    let known = known.ok_or_else(|| stop(fault, unknown_dtype(name, &text)))?;
                    dtype.replace(known).is_some()
                }
                "shape" => shape.replace(map.next_value_seed(Numbers(limits.dims))?).is_some(),
                "data_offsets" => offsets.replace(map.next_value_seed(Numbers(2))?).is_some(),
                other => return Err(bad(format!("A tensor has an unknown field, {other:?}"))),
            };
            if again {
                return Err(stop(fault, repeated(&field).key(name)));
            }
        }
        match (dtype, shape, offsets.as_deref()) {
            (Some(dtype), Some(shape), Some(&[begin, end])) => {
                Ok(Entry { name: String::new(), dtype, shape, begin, end })
            }
            _ => Err(bad("A tensor lacks dtype, shape or two data_offsets".to_owned())),
        }
    }
}

/// A list of at most so many unsigned numbers.
struct Numbers(usize);

impl<'de> DeserializeSeed<'de> for Numbers {
    type Value = Vec<u64>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<Vec<u64>, D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Numbers {
    type Value = Vec<u64>;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a list of at most {} whole numbers", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Vec<u64>, A::Error> {
        let mut out = Vec::new();
        while let Some(n) = seq.next_element()? {
            if out.len() == self.0 {
                return Err(de::Error::invalid_length(out.len() + 1, &self));
            }
            out.push(n);
        }
        Ok(out)
    }
}

fn unknown_dtype(name: &str, found: &str) -> Error {
    Error::new(Kind::Malformed, "A tensor has an unknown number type")
        .key(name)
        .expected("a safetensors type such as F32, F16 or BF16")
        .found(format!("{found:?}"))
}

/// The type called `name` in a header.
fn dtype_from_name(name: &str) -> Option<Dtype> {
    use Dtype::*;
    let all = [
        BOOL,
        F4,
        F6_E2M3,
        F6_E3M2,
        U8,
        I8,
        F8_E5M2,
        F8_E4M3,
        F8_E8M0,
        F8_E4M3FNUZ,
        F8_E5M2FNUZ,
        I16,
        U16,
        F16,
        BF16,
        I32,
        U32,
        F32,
        C64,
        F64,
        I64,
        U64,
    ];
    all.into_iter().find(|d| d.to_string() == name)
}
