//! The base model, for kinds of adapters whose change depends on its weights.
//!
//! ```text
//! files ─► Base::open (headers) ─► Base::attach (where each module's weight lies) ─► BaseWeight::read (its bytes only)
//! ```
//!
//! A base is a single file, or several; its tensors may have the original names or the native ones, and what one spelling
//! fuses the other may have in parts. Nothing but headers and the weights asked for is read.

mod names;
mod shards;
mod weight;

pub use shards::shards;
pub use weight::BaseWeight;

use crate::adapter::Adapter;
use crate::dtype;
use crate::error::{Error, Kind, Result, Warning};
use crate::kind::{KindId, Parts, fits_base};
use crate::layout::{fusion_of_part, fusion_of_whole};
use crate::limits::Limits;
use crate::module::{Component, Module, ModuleShape};
use crate::safetensors::{Header, TensorInfo, read_header};
use crate::source::Source;
use names::{Named, flat, modules, same_part};
use std::collections::HashMap;

/// An opened base model: what its headers say.
#[derive(Clone, Debug)]
pub struct Base {
    /// What the user calls it.
    pub label: String,
    /// Length of all its files in bytes.
    pub size: u64,
    /// Label and header of each file, in the order of the sources.
    files: Vec<(String, Header)>,
}

/// A tensor of the base that is the weight of a module, or that the module's is a part of.
struct Place {
    named: Named,
    file: usize,
    tensor: usize,
}

/// All weights by their flat native paths.
type Index = HashMap<String, Vec<Place>>;

impl Base {
    /// Opens a base: reads the headers of its files, each with its label, which may have folders in it. `indexed` are
    /// the names that [`shards`] has found in an index beside them.
    ///
    /// # Errors
    /// As [`read_header`]; `Mismatch` where files are missing.
    pub fn open(label: &str, files: &[(&str, &dyn Source)], indexed: Option<&[String]>) -> Result<Base> {
        if files.is_empty() || files.len() > shards::MOST {
            let error = Error::new(Kind::Parameter, "A base model has no files, or too many").file(label);
            return Err(error.expected(format!("1 to {}", shards::MOST)).found(files.len().to_string()));
        }
        let labels: Vec<&str> = files.iter().map(|(label, _)| *label).collect();
        shards::complete(&labels, indexed, label)?;
        let limits = Limits::default();
        let open = |(label, source): &(&str, &dyn Source)| {
            let mut header = read_header(*source, label, &limits)?;
            header.metadata.clear();
            Ok(((*label).to_owned(), header))
        };
        let size = files.iter().map(|(_, source)| source.len()).fold(0, u64::saturating_add);
        Ok(Base { label: label.to_owned(), size, files: files.iter().map(open).collect::<Result<_>>()? })
    }

    /// Number of its files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Finds the weight of every module that needs it, whose names are those of `family`, and gives the modules their
    /// full size. Reads nothing.
    ///
    /// # Errors
    /// `Mismatch`, naming the module, where the base has no such weight or one of another size; `Limit`.
    pub fn attach(&self, adapter: &mut Adapter, family: &str) -> Result<()> {
        let index = self.index(family);
        let Adapter { modules, header, label, config, .. } = adapter;
        // Conv1D of GPT-2 and its kin.
        let mut biases = Vec::new();
        let turned = family == "gpt2" || config.as_ref().is_some_and(|config| config.fan_in_fan_out);
        for module in modules.iter_mut().filter(|module| module.kind.needs_base()) {
            let wanted = Wanted { base: self, index: &index, family, turned, header };
            let weight = wanted.weight(module).map_err(|e| e.module(module.key.id()).file(label.as_str()))?;
            // IA³ multiplies what comes out of a layer, and so its bias too.
            if module.kind == KindId::Ia3 && module.shape.out > 0 {
                biases.extend(self.bias(&weight));
            }
            let ModuleShape { out, inp, kernel } = weight.shape();
            let flat = module.shape.kernel.is_empty() && kernel.iter().any(|k| *k != 1);
            if !module.sized() || flat {
                module.shape = ModuleShape { out: *out, inp: *inp, kernel: kernel.clone() };
            }
            module.rank = (*out).min(weight.shape().columns());
            module.base = Some(weight);
        }
        if let Some(first) = biases.first() {
            let message = format!(
                "The base has {} biases beside the weights that this IA³ adapter scales, such as {first}; the result does \
                 not scale them.",
                biases.len()
            );
            adapter.warnings.push(Warning::new("bias-not-scaled", &adapter.label, message));
        }
        Ok(())
    }

    fn index(&self, family: &str) -> Index {
        let mut index = Index::new();
        for (file, (label, header)) in self.files.iter().enumerate() {
            for (tensor, info) in header.tensors.iter().enumerate().filter(|(_, info)| info.shape.len() > 1) {
                for named in modules(label, &info.name, family) {
                    index.entry(named.path.clone()).or_default().push(Place { named, file, tensor });
                }
            }
        }
        index
    }

    /// The name of the bias beside a weight.
    fn bias(&self, weight: &BaseWeight) -> Option<String> {
        let name = format!("{}.bias", weight.name().strip_suffix(".weight")?);
        self.files.iter().any(|(_, header)| header.find(&name).is_some()).then_some(name)
    }

    fn info(&self, place: &Place) -> &TensorInfo {
        &self.files[place.file].1.tensors[place.tensor]
    }
}

/// What a weight is looked for with.
struct Wanted<'a> {
    base: &'a Base,
    index: &'a Index,
    family: &'a str,
    /// The base stores linear weights in×out.
    turned: bool,
    /// The adapter's.
    header: &'a Header,
}

impl Wanted<'_> {
    fn weight(&self, module: &Module) -> Result<BaseWeight> {
        let (component, path) = (module.key.component, module.key.path.as_str());
        let mut weight = match self.direct(module, component, path)? {
            Some(weight) => weight,
            None => match self.part(component, path)?.map_or_else(|| self.whole(module), |part| Ok(Some(part)))? {
                Some(weight) => self.fitting(module, weight)?,
                None => return Err(self.missing(path)),
            },
        };
        weight.swap(module.swapped);
        let most = Limits::default().factor_elements;
        match (weight.shape().out as u64).checked_mul(weight.shape().columns() as u64) {
            Some(n) if n <= most => Ok(weight),
            _ => Err(Error::new(Kind::Limit, "The base's weight of this module is too large to be changed")
                .expected(format!("at most {most} numbers"))
                .found(weight.shape().to_string())),
        }
    }

    /// The tensor that is the module's weight. Of several that go by its name, the one that fits.
    fn direct(&self, module: &Module, component: Component, path: &str) -> Result<Option<BaseWeight>> {
        let places = self.places(component, path);
        let weights = places.iter().map(|place| self.read_as(place, None)).collect::<Result<Vec<_>>>()?;
        let mut fits = places.iter().zip(&weights).filter(|(_, weight)| self.fits(module, weight));
        match (fits.next(), fits.next()) {
            (Some((first, _)), Some((second, _))) => Err(Error::new(Kind::Mismatch, "The base has this weight twice")
                .key(&self.base.info(first).name)
                .expected("one tensor of this name and size")
                .found(format!("one in {}, one in {}", self.base.files[first.file].0, self.base.files[second.file].0))
                .hint("Give the base's files without copies in other types.")),
            (Some((_, weight)), None) => Ok(Some(weight.clone())),
            (None, _) => weights.into_iter().next().map(|weight| self.fitting(module, weight)).transpose(),
        }
    }

    /// Rows of a fused tensor.
    fn part(&self, component: Component, path: &str) -> Result<Option<BaseWeight>> {
        let Some(part) = fusion_of_part(self.family, path) else { return Ok(None) };
        let Some(place) = self.places(component, &part.whole).into_iter().next() else { return Ok(None) };
        let ModuleShape { out, inp, .. } = self.read_as(place, None)?.shape().clone();
        let Some(fusion) = fusion_of_whole(self.family, &part.whole, out, inp) else {
            let error =
                Error::new(Kind::Mismatch, "The base has this weight inside a fused one, whose parts are not known");
            return Err(error.key(&self.base.info(place).name).found(format!("{out}×{inp}")));
        };
        let rows = |n: usize| fusion.parts.iter().take(n).map(|(_, rows)| rows).sum::<usize>();
        self.read_as(place, Some((rows(part.index), rows(part.index + 1)))).map(Some)
    }

    /// Several tensors, one below the other, where the adapter's module is fused.
    fn whole(&self, module: &Module) -> Result<Option<BaseWeight>> {
        let ModuleShape { out, inp, .. } = module.shape;
        let Some(fusion) = fusion_of_whole(self.family, &module.key.path, out, inp) else { return Ok(None) };
        let mut whole: Option<BaseWeight> = None;
        for (path, _) in &fusion.parts {
            let Some(place) = self.places(module.key.component, path).into_iter().next() else { return Ok(None) };
            let part = self.read_as(place, None)?;
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    if !whole.add(part) {
                        return Err(self.misfit(module, whole));
                    }
                }
            }
        }
        Ok(whole)
    }

    /// Tensors of this name in this part of the model. Files of language models leave the name of the whole out or add it.
    fn places(&self, component: Component, path: &str) -> Vec<&Place> {
        let path = flat(path);
        let find = |path: &str| -> Vec<&Place> {
            let all = self.index.get(path).into_iter().flatten();
            all.filter(|place| place.named.component.is_none_or(|own| same_part(component, own))).collect()
        };
        let mut found = find(&path);
        if found.is_empty() && component == Component::Model {
            const HEADS: [&str; 5] = ["model_", "transformer_", "bert_", "roberta_", "vit_"];
            let shorter = HEADS.iter().filter_map(|head| path.strip_prefix(head)).map(str::to_owned);
            let mut others = shorter.chain(HEADS.iter().map(|head| format!("{head}{path}")));
            found = others.find_map(|path| Some(find(&path)).filter(|found| !found.is_empty())).unwrap_or_default();
        }
        found
    }

    /// The weight at a place, or some of its rows.
    fn read_as(&self, place: &Place, rows: Option<(usize, usize)>) -> Result<BaseWeight> {
        let info = self.base.info(place);
        let error = |what: &str| Error::new(Kind::Unsupported, what).key(&info.name);
        if !dtype::is_factor_type(info.dtype) {
            return Err(error("The base is stored in a number type that is not read")
                .expected("F32, F16, BF16 or F8")
                .found(info.dtype.to_string())
                .hint("Give the base as F16 or BF16; quantised weights are not the ones that the adapter changes."));
        }
        let whole =
            BaseWeight::new(place.file, info, self.turned).ok_or_else(|| error("A weight of the base is empty"))?;
        let third = place.named.third.map(|n| (n, whole.shape().out / 3));
        let rows = rows.or(third.map(|(n, third)| (n * third, (n + 1) * third)));
        let mut weight = match rows {
            Some((from, to)) => {
                whole.rows(from, to).ok_or_else(|| error("A fused weight of the base cannot be cut into parts"))?
            }
            None => whole,
        };
        let shape = weight.shape();
        weight.swap(place.named.rows.swapped(shape.out, shape.inp));
        Ok(weight)
    }

    fn fits(&self, module: &Module, weight: &BaseWeight) -> bool {
        let limits = Limits::default();
        let parts = Parts { list: &module.parts, header: self.header, limits: &limits };
        fits_base(module.kind, &parts, weight.shape())
    }

    fn fitting(&self, module: &Module, weight: BaseWeight) -> Result<BaseWeight> {
        if self.fits(module, &weight) { Ok(weight) } else { Err(self.misfit(module, &weight)) }
    }

    fn misfit(&self, module: &Module, weight: &BaseWeight) -> Error {
        Error::new(Kind::Mismatch, "The base's weight is not of the size that the adapter changes")
            .key(weight.name())
            .expected(format!("{} as in the adapter", module.shape))
            .found(format!("{} in {}", weight.shape(), self.base.label))
            .hint("Give the base model that the adapter was made for.")
    }

    fn missing(&self, path: &str) -> Error {
        Error::new(Kind::Mismatch, "The base has no weight for a module of the adapter")
            .expected(format!("{path}.weight in {}", self.base.label))
            .hint("Give the base model that the adapter was made for, with all its parts: text encoders may have files of their own.")
    }
}
