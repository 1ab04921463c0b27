//! Which dropped files belong together: an adapter and its `adapter_config.json`.
//!
//! | beside the adapter | taken when |
//! |---|---|
//! | `x.adapter_config.json` in the folder of `x.safetensors` | always |
//! | `adapter_config.json` in the same folder | the adapter is `adapter_model.safetensors`, or the only one there |
//!
//! Folders are compared only within one drop; files chosen without a folder have the folder "".

/// Name of a PEFT configuration.
const CONFIG: &str = "adapter_config.json";

/// What the names of recipes end with.
const RECIPES: [&str; 4] = [".json", ".yaml", ".yml", ".txt"];

/// What a file is to us, judged by its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// To be opened.
    Adapter,
    /// A PEFT configuration.
    Config,
    /// A recipe.
    Recipe,
    /// Of no use here, as a folder's readme.
    Other,
}

/// Judges a name. Inside a dropped folder only safetensors files are adapters; a file that was picked by itself
/// is always tried, so that nothing is refused without a reason.
pub fn role(name: &str, in_folder: bool) -> Role {
    if name == CONFIG || name.ends_with(&format!(".{CONFIG}")) {
        Role::Config
    } else if !in_folder && RECIPES.iter().any(|ending| name.ends_with(ending)) {
        Role::Recipe
    } else if name.ends_with(".safetensors") || !in_folder {
        Role::Adapter
    } else {
        Role::Other
    }
}

/// A file's folder and name.
pub type Path = (String, String);

/// For every adapter the index of its configuration, and the configurations that belong to none.
pub fn pair(adapters: &[Path], configs: &[Path]) -> (Vec<Option<usize>>, Vec<usize>) {
    let alone = |folder: &str| adapters.iter().filter(|(f, _)| f == folder).count() == 1;
    let find = |(folder, name): &Path| {
        let stem = name.strip_suffix(".safetensors").unwrap_or(name);
        let own = format!("{stem}.{CONFIG}");
        let at = |wanted: &str| configs.iter().position(|(f, n)| f == folder && n == wanted);
        let common = || at(CONFIG).filter(|_| name == "adapter_model.safetensors" || alone(folder));
        at(&own).or_else(common)
    };
    let found: Vec<_> = adapters.iter().map(find).collect();
    let left = (0..configs.len()).filter(|i| !found.contains(&Some(*i))).collect();
    (found, left)
}

/// A label that no other adapter has: the file's name; with its folder, or numbered, where that is taken.
pub fn label(folder: &str, name: &str, taken: &[String]) -> String {
    let free = |label: &String| !taken.contains(label);
    let last = folder.rsplit('/').next().unwrap_or(folder);
    let with_folder = (!last.is_empty()).then(|| format!("{last}/{name}"));
    let numbered = (2..).map(|n| format!("{name} ({n})"));
    // The numbers never end, so there always is one.
    std::iter::once(name.to_owned()).chain(with_folder).chain(numbered).find(free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn paths(all: &[(&str, &str)]) -> Vec<Path> {
        all.iter().map(|(folder, name)| ((*folder).into(), (*name).into())).collect()
    }

    #[wasm_bindgen_test]
    fn a_peft_folder_is_one_adapter() {
        let found = pair(&paths(&[("a", "adapter_model.safetensors")]), &paths(&[("a", "adapter_config.json")]));
        assert_eq!(found, (vec![Some(0)], vec![]));
    }

    #[wasm_bindgen_test]
    fn configurations_do_not_cross_folders() {
        let adapters = paths(&[("a", "adapter_model.safetensors"), ("b", "adapter_model.safetensors")]);
        let found = pair(&adapters, &paths(&[("b", "adapter_config.json"), ("c", "adapter_config.json")]));
        assert_eq!(found, (vec![None, Some(0)], vec![1]));
    }

    #[wasm_bindgen_test]
    fn among_several_files_a_common_configuration_is_not_guessed() {
        let adapters = paths(&[("", "one.safetensors"), ("", "two.safetensors")]);
        let found = pair(&adapters, &paths(&[("", "adapter_config.json"), ("", "two.adapter_config.json")]));
        assert_eq!(found, (vec![None, Some(1)], vec![0]));
    }

    #[wasm_bindgen_test]
    fn labels_are_names_until_two_are_equal() {
        let taken = vec!["x.safetensors".to_owned(), "b/x.safetensors".to_owned()];
        assert_eq!(label("a", "x.safetensors", &[]), "x.safetensors");
        assert_eq!(label("home/a", "x.safetensors", &taken), "a/x.safetensors");
        assert_eq!(label("b", "x.safetensors", &taken), "x.safetensors (2)");
        assert_eq!(label("", "x.safetensors", &taken), "x.safetensors (2)");
    }

    #[wasm_bindgen_test]
    fn files_picked_alone_are_always_tried() {
        assert_eq!(role("model.bin", false), Role::Adapter);
        assert_eq!(role("model.bin", true), Role::Other);
        assert_eq!(role("x.adapter_config.json", false), Role::Config);
        assert_eq!(role("recipe.json", false), Role::Recipe);
        assert_eq!(role("index.json", true), Role::Other);
    }
}
