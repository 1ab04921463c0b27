//! What is added up over the entries of a module.

use super::rule::Part;

/// Sums over the entries that a rule looks at; those of two modules add up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// How many positions.
    pub entries: f64,
    /// ‖M‖².
    pub total: f64,
    /// Positions where adapters pull both ways, of what the rule leaves of them.
    pub conflicts: f64,
    /// Σ over positions of the smaller of Σ positive and Σ negative wᵢhᵢ.
    pub against: f64,
    /// Σ |wᵢhᵢ|.
    pub sizes: f64,
    /// Positions at which no, one, or several adapters have something left; with [`super::Select::Held`], at which no, one
    /// or several masks hold: catastrophic, selfish and shared ones.
    pub held: [f64; 3],
    /// By adapter.
    pub parts: Vec<PartSums>,
}

/// Those of one adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PartSums {
    /// Σ |xᵢ|.
    pub size: f64,
    /// Σ |xᵢ| of what sparsification and selection leave, without the gain.
    pub left: f64,
    /// Σ xᵢ² of the same.
    pub squares: f64,
    /// How many entries they leave.
    pub kept: f64,
    /// Of those, how many at positions where no other adapter has any.
    pub alone: f64,
    /// ⟨M, ΔWᵢ⟩.
    pub inner: f64,
    /// Σ |m| where m and wᵢxᵢ have one sign.
    pub agreed: f64,
}

/// Numbers of a [`Sums`] that are not an adapter's.
const COMMON: usize = 8;

/// Numbers of one adapter.
const OWN: usize = 7;

impl Sums {
    /// All zero, for `parts` adapters.
    pub fn new(parts: usize) -> Sums {
        Sums { parts: vec![PartSums::default(); parts], ..Sums::default() }
    }

    /// Adds a row: the adapters' entries `x`, what the rule leaves of them (`thinned`, one adapter after the other), how many
    /// masks hold at each position where there are masks, and what it makes of them.
    pub(super) fn add(
        &mut self,
        parts: &[Part],
        x: &[&[f32]],
        thinned: &[f32],
        masks: Option<&Vec<u32>>,
        m_row: &[f32],
    ) {
        for (j, m) in m_row.iter().enumerate() {
            let (mut positive, mut negative, mut count, mut last) = (0.0, 0.0, 0, 0);
            for (i, part) in parts.iter().enumerate() {
                let (x, h) = (f64::from(x[i][j]), f64::from(thinned[i * m_row.len() + j]));
                let found = &mut self.parts[i];
                found.size += x.abs();
                found.inner += x * f64::from(*m);
                let v = f64::from(part.weight) * h;
                if v > 0.0 {
                    positive += v
                } else {
                    negative -= v
                }
                if f64::from(part.weight) * x * f64::from(*m) > 0.0 {
                    found.agreed += f64::from(m.abs());
                }
                if h != 0.0 {
                    let left = h / f64::from(part.gain);
                    found.left += left.abs();
                    found.squares += left * left;
                    found.kept += 1.0;
                    (count, last) = (count + 1, i);
                }
            }
            if count == 1 {
                self.parts[last].alone += 1.0;
            }
            let count = masks.map_or(count, |masks| masks[j]);
            self.held[(count as usize).min(2)] += 1.0;
            self.total += f64::from(*m) * f64::from(*m);
            self.entries += 1.0;
            self.against += positive.min(negative);
            self.sizes += positive + negative;
            self.conflicts += f64::from(u8::from(positive > 0.0 && negative > 0.0));
        }
    }

    /// As numbers that add up: part i stands at place `places[i]` of `all`.
    pub fn numbers(&self, places: &[usize], all: usize) -> Vec<f64> {
        let [none, one, more] = self.held;
        let mut numbers = vec![self.entries, self.total, self.conflicts, self.against, self.sizes, none, one, more];
        numbers.resize(COMMON + OWN * all, 0.0);
        for (part, place) in self.parts.iter().zip(places) {
            let own = [part.size, part.left, part.squares, part.kept, part.alone, part.inner, part.agreed];
            numbers[COMMON + OWN * place..][..OWN].copy_from_slice(&own);
        }
        numbers
    }

    /// Of such numbers; zeros where there are none.
    pub fn of(numbers: &[f64]) -> Sums {
        let at = |i: usize| numbers.get(i).copied().unwrap_or(0.0);
        let part = |own: &[f64]| match *own {
            [size, left, squares, kept, alone, inner, agreed] => {
                PartSums { size, left, squares, kept, alone, inner, agreed }
            }
            _ => PartSums::default(),
        };
        Sums {
            entries: at(0),
            total: at(1),
            conflicts: at(2),
            against: at(3),
            sizes: at(4),
            held: [at(5), at(6), at(7)],
            parts: numbers.get(COMMON..).unwrap_or(&[]).chunks_exact(OWN).map(part).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_numbers_at_the_adapters_places() {
        let part = |x| PartSums { size: x, left: 2.0, squares: 9.0, kept: 3.0, alone: 4.0, inner: 5.0, agreed: 6.0 };
        let common = Sums { entries: 1.0, total: 2.0, conflicts: 3.0, against: 4.0, sizes: 5.0, ..Sums::default() };
        let sums = Sums { held: [6.0, 7.0, 8.0], parts: vec![part(7.0), part(8.0)], ..common };
        let numbers = sums.numbers(&[0, 2], 3);
        let read = Sums::of(&numbers);
        assert_eq!(read.parts, [part(7.0), PartSums::default(), part(8.0)]);
        assert_eq!(Sums { parts: sums.parts.clone(), ..read }, sums);
        assert_eq!(Sums::of(&[]), Sums::default());
    }
}
