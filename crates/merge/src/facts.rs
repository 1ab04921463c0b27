//! What has to be known of all modules before one can be merged: sums over modules, round by round.
//!
//! A round's answers are numbers that add up. They are added in the tasks' order, so that any number of workers gets
//! the same sums.

use serde::{Deserialize, Serialize};

/// The sums of the rounds so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    rounds: Vec<Vec<f64>>,
    /// Modules that another device than the CPU looked at, over all rounds.
    by_device: f64,
}

impl Facts {
    /// Those of no round.
    pub const fn none() -> Facts {
        Facts { rounds: Vec::new(), by_device: 0.0 }
    }

    /// The sums of a round; empty before it is done.
    pub fn round(&self, round: usize) -> &[f64] {
        self.rounds.get(round).map_or(&[], Vec::as_slice)
    }

    /// How many rounds are done.
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// Did another device than the CPU have a part in them? They may then differ by rounding from one run to the next.
    pub fn by_device(&self) -> bool {
        self.by_device > 0.0
    }

    /// Adds a round. `tasks` holds what [`crate::survey_task`] has found in every task, in the tasks' order.
    pub fn add(&mut self, tasks: &[Vec<f64>]) {
        let mut sums: Vec<f64> = Vec::new();
        for task in tasks {
            // First stands how many modules another device looked at.
            if let [by_device, found @ ..] = task.as_slice() {
                self.by_device += by_device;
                add(&mut sums, found);
            }
        }
        self.rounds.push(sums);
    }

    /// Adds a round of one module's own.
    pub(crate) fn push(&mut self, found: Vec<f64>) {
        self.rounds.push(found);
    }
}

/// Adds numbers to numbers; a longer list makes the sums longer.
pub(crate) fn add(sums: &mut Vec<f64>, more: &[f64]) {
    sums.resize(sums.len().max(more.len()), 0.0);
    sums.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
}
