//! The recipe: which adapters, which weights, which method, which output.
//!
//! JSON, version 1. Keys that are not known are kept as they are, so that a recipe
//! from a later version survives a round trip; [`crate::Prepared`] says which ones
//! it did not understand.

use crate::blocks::{Blocks, Rule};
use rankweave_adapter::{Adapter, DialectId, Dtype, Error, Kind, MetadataMode};
use rankweave_merge::RankPolicy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A merge, completely described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Schema version: 1.
    pub recipe: u32,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The adapters.
    pub sources: Vec<SourceRef>,
    /// Their weights, in the order that counts.
    pub mix: Vec<MixEntry>,
    /// The method.
    pub method: MethodRef,
    /// The base model, where an adapter's change depends on its weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseRef>,
    /// Seed of methods that use chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// The file to make.
    pub output: Output,
    /// What should come out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// Keys not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What should come out, and how it was made when it did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// `sha256:` and the hash of the output's tensor data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `cpu`: the same bytes every time; `gpu`: a GPU had a part, whose rounding differs from machine to machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// Keys not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What made a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    /// Program.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Numerics contract, see [`crate::MATH`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub math: Option<u32>,
}

/// One adapter by identity: the hash of its tensor data or of its file, else a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Name inside the recipe: `a`, `b`, …
    pub id: String,
    /// File name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `sha256:` and the hash of the bytes after the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// `sha256:` and the hash of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where it can be had: `hf:owner/repository@commit/path`, an AIR (`urn:air:…`), or an `https://` address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    /// `direction`: of DoRA modules the direction alone is taken, without their magnitudes; they need the base model where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dora: Option<String>,
    /// Keys not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The base model that a merge was made with, for people: it has no hash, as reading it whole takes too long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaseRef {
    /// Name of its file or folder.
    pub label: String,
    /// Bytes of all its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Keys not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One adapter's part in the mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixEntry {
    /// Id of the source.
    pub src: String,
    /// The strength one would type at inference, −10 to 10.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
    /// The same for text encoders; `weight` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub te: Option<f64>,
    /// Factors by block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Blocks>,
    /// Factors by module name, and modules to drop. In order; the last one that fits a module decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Keys not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A method with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodRef {
    /// Id in the registry.
    pub id: String,
    /// Values for its Spec; defaults where absent.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

/// The file to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Rank of its modules.
    pub rank: Rank,
    /// Type of its factors: `f32`, `f16`, `bf16`, `f8_e4m3` or `f8_e5m2`.
    pub dtype: String,
    /// Spelling: `same:<source id>`, `kohya`, `diffusers`, `comfy` or `peft`; that of the
    /// first adapter where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// What is taken over from the inputs' metadata, see [`MetadataMode`]; `minimal` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// `rank`: where a file's alphas stand in adapter_config.json, they are the ranks, so that the file alone says all;
    /// `keep-first`: a single adapter that is only rewritten keeps its alphas there too. `rank` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<String>,
    /// Title written into the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Keys not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The rank policy as a recipe spells it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum Rank {
    /// Nothing is lost.
    Exact,
    /// Nothing is lost, and every matrix is written as its whole difference: one large tensor instead of a pair.
    Dense,
    /// At most `value` directions.
    Fixed {
        /// 1 to 4096.
        value: usize,
    },
    /// As few as keep `value` of the energy.
    Energy {
        /// Share in (0, 1].
        value: f64,
        /// Never more than this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<usize>,
    },
}

fn one() -> f64 {
    1.0
}

fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

impl Rank {
    /// The engine's policy.
    pub fn policy(self) -> RankPolicy {
        match self {
            Rank::Exact | Rank::Dense => RankPolicy::Exact,
            Rank::Fixed { value } => RankPolicy::Fixed(value),
            Rank::Energy { value, max } => RankPolicy::Energy { share: value, max },
        }
    }

    /// Reads `exact`, `dense`, a number, or `energy:0.99`, as on a command line.
    pub fn parse(text: &str) -> Result<Rank, Error> {
        let bad = || {
            Error::new(Kind::Parameter, "The rank is not valid")
                .expected("exact, dense, a number such as 32, or energy:0.99")
                .found(text)
                .hint("exact and dense lose nothing; a number caps the rank; energy:p keeps the share p.")
        };
        if text == "exact" {
            return Ok(Rank::Exact);
        }
        if text == "dense" {
            return Ok(Rank::Dense);
        }
        if let Some(share) = text.strip_prefix("energy:") {
            return Ok(Rank::Energy { value: share.parse().map_err(|_| bad())?, max: None });
        }
        Ok(Rank::Fixed { value: text.parse().map_err(|_| bad())? })
    }
}

impl MixEntry {
    /// A source at weight 1.
    pub fn new(src: &str) -> MixEntry {
        MixEntry { src: src.to_owned(), weight: 1.0, te: None, blocks: None, rules: Vec::new(), other: Map::new() }
    }
}

impl Recipe {
    /// The exact sum of `count` sources a, b, …, all of weight 1, as F32.
    pub fn blank(count: usize) -> Recipe {
        let ids = (0..count).map(|i| match u8::try_from(i) {
            Ok(i) if i < 26 => char::from(b'a' + i).to_string(),
            _ => format!("s{i}"),
        });
        let sources: Vec<_> = ids.map(|id| SourceRef { id, ..SourceRef::default() }).collect();
        let mix = sources.iter().map(|s| MixEntry::new(&s.id));
        Recipe {
            recipe: 1,
            name: None,
            note: None,
            engine: None,
            mix: mix.collect(),
            sources,
            method: MethodRef { id: "sum".into(), params: Map::new() },
            base: None,
            seed: None,
            output: Output {
                rank: Rank::Exact,
                dtype: "f32".into(),
                keys: None,
                alpha: None,
                metadata: None,
                title: None,
                other: Map::new(),
            },
            expect: None,
            other: Map::new(),
        }
    }

    /// Compact JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Output {
    /// The types that can be written, and what a recipe calls them.
    pub const DTYPES: [(&'static str, Dtype); 5] = [
        ("f32", Dtype::F32),
        ("f16", Dtype::F16),
        ("bf16", Dtype::BF16),
        ("f8_e4m3", Dtype::F8_E4M3),
        ("f8_e5m2", Dtype::F8_E5M2),
    ];

    /// The type that an adapter's factors have, or F32 where they differ: what an output gets unless
    /// another one is asked for.
    pub fn dtype_of(adapter: &Adapter) -> &'static str {
        let first = adapter.modules.iter().filter_map(|m| m.parts.first());
        let mut dtypes = first.map(|(_, tensor)| adapter.header.tensors[*tensor].dtype);
        let Some(first) = dtypes.next() else { return "f32" };
        let known = Self::DTYPES.iter().find(|(_, dtype)| *dtype == first && dtypes.all(|d| d == first));
        known.map_or("f32", |(id, _)| id)
    }

    /// The type its factors get, if it is one that can be written.
    pub fn dtype(&self) -> Option<Dtype> {
        Self::DTYPES.iter().find(|(id, _)| *id == self.dtype).map(|(_, dtype)| *dtype)
    }

    /// What is taken over from the inputs' metadata, if it is a mode that there is.
    pub fn metadata_mode(&self) -> Option<MetadataMode> {
        self.metadata.as_deref().map_or(Some(MetadataMode::default()), MetadataMode::of)
    }

    /// The dialect asked for by name; `None` for "same as" a source.
    pub(crate) fn dialect(&self) -> Option<DialectId> {
        match self.keys.as_deref() {
            Some("kohya") => Some(DialectId::Kohya),
            Some("diffusers") => Some(DialectId::Diffusers),
            Some("peft") => Some(DialectId::Peft),
            Some("comfy") => Some(DialectId::Comfy),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"recipe":1,"sources":[{"id":"a","label":"x.safetensors","at":["hf:u/r"]}],
        "mix":[{"src":"a","weight":0.8,"te":0.0}],"method":{"id":"sum"},
        "output":{"rank":{"mode":"energy","value":0.99},"dtype":"bf16","keys":"same:a"},"later":{"relErr":0}}"#;

    #[test]
    fn unknown_keys_survive_a_round_trip() {
        let recipe = Recipe::from_json(TEXT).unwrap();
        assert_eq!(recipe.output.rank, Rank::Energy { value: 0.99, max: None });
        assert_eq!(recipe.mix[0].te, Some(0.0));
        let again = Recipe::from_json(&recipe.to_json()).unwrap();
        assert_eq!(again, recipe);
        assert!(again.other.contains_key("later") && again.sources[0].at == ["hf:u/r"]);
    }

    #[test]
    fn ranks_are_read_as_typed() {
        assert_eq!(Rank::parse("exact").unwrap(), Rank::Exact);
        assert_eq!(Rank::parse("dense").unwrap(), Rank::Dense);
        assert_eq!(Rank::parse("32").unwrap(), Rank::Fixed { value: 32 });
        assert_eq!(Rank::parse("energy:0.5").unwrap(), Rank::Energy { value: 0.5, max: None });
        for bad in ["", "-1", "energy:", "energy:x", "best"] {
            assert!(Rank::parse(bad).is_err(), "{bad}");
        }
    }
}
