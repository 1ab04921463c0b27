//! What has to be known of all modules before one can be merged: sums over modules, round by round.
//!
//! A round's answers are numbers that add up. They are added in the tasks' order, so that any number of workers gets
//! the same sums.

use serde::{Deserialize, Serialize};

/// The sums of the rounds so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    rounds: Vec<Vec<f64>>,
}

impl Facts {
    /// Those of no round.
    pub const fn none() -> Facts {
        Facts { rounds: Vec::new() }
    }

    /// The sums of a round; empty before it is done.
    pub fn round(&self, round: usize) -> &[f64] {
        self.rounds.get(round).map_or(&[], Vec::as_slice)
    }

    /// How many rounds are done.
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// Adds a round. `tasks` holds the sums of every task, in the tasks' order.
    pub fn add(&mut self, tasks: &[Vec<f64>]) {
        let mut sums: Vec<f64> = Vec::new();
        for task in tasks {
            add(&mut sums, task);
        }
        self.rounds.push(sums);
    }
}

/// Adds numbers to numbers; a longer list makes the sums longer.
pub(crate) fn add(sums: &mut Vec<f64>, more: &[f64]) {
    sums.resize(sums.len().max(more.len()), 0.0);
    sums.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
}
