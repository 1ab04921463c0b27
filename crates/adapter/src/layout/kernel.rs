//! Kernels of convolutions, told by name, for files that store them flat.

use crate::module::{Component, ModuleKey};

/// The 3×3 convolutions of UNets, by the last word of their path.
const SQUARE: [&str; 5] = ["conv1", "conv2", "conv", "conv_in", "conv_out"];

/// The kernel of the convolution called `key` whose weight has `columns` columns; `None` for other layers.
pub(crate) fn kernel(key: &ModuleKey, columns: usize) -> Option<[usize; 2]> {
    let last = key.path.rsplit('.').next().unwrap_or_default();
    let square = key.component == Component::Unet && SQUARE.contains(&last) && columns.is_multiple_of(9);
    square.then_some([3, 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_of_a_unet() {
        let key = |path: &str| ModuleKey { component: Component::Unet, path: path.to_owned() };
        assert_eq!(kernel(&key("down_blocks.0.resnets.0.conv1"), 2880), Some([3, 3]));
        assert_eq!(kernel(&key("down_blocks.0.downsamplers.0.conv"), 2880), Some([3, 3]));
        assert_eq!(kernel(&key("down_blocks.1.resnets.0.conv_shortcut"), 2880), None);
        assert_eq!(kernel(&key("conv_in"), 320), None);
    }
}
