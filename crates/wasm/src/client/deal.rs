//! Who has which task of a round.
//!
//! A task is given out once. Those that the GPU has may be given out again: when it stops, or to a hand that has nothing
//! else to do; whoever is done first counts.

/// The tasks of one round.
pub struct Deal {
    tasks: u32,
    /// The next that nobody has had.
    next: u32,
    done: Vec<bool>,
    /// With the GPU, not yet done and with nobody else.
    lent: Vec<u32>,
    /// Given back.
    back: Vec<u32>,
}

impl Deal {
    /// Nobody has any yet.
    pub fn new(tasks: u32) -> Deal {
        Deal { tasks, next: 0, done: vec![false; tasks as usize], lent: Vec::new(), back: Vec::new() }
    }

    /// The first that was given back.
    pub fn returned(&mut self) -> Option<u32> {
        let first = self.back.iter().copied().min()?;
        self.back.retain(|task| *task != first);
        Some(first)
    }

    /// The first that nobody has had.
    pub fn fresh(&mut self) -> Option<u32> {
        let task = (self.next < self.tasks).then_some(self.next)?;
        self.next += 1;
        Some(task)
    }

    /// The first that the GPU has alone; somebody else has it too from now on.
    pub fn doubled(&mut self) -> Option<u32> {
        (!self.lent.is_empty()).then(|| self.lent.remove(0))
    }

    /// The GPU has this one.
    pub fn lend(&mut self, task: u32) {
        self.lent.push(task);
    }

    /// Whether the GPU has some alone.
    pub fn lends(&self) -> bool {
        !self.lent.is_empty()
    }

    /// The GPU has stopped.
    pub fn give_back(&mut self) {
        self.back.append(&mut self.lent);
    }

    /// A task is done. False if it was already.
    pub fn done(&mut self, task: u32) -> bool {
        self.lent.retain(|other| *other != task);
        self.done.get_mut(task as usize).is_some_and(|done| !std::mem::replace(done, true))
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn what_the_gpu_leaves_behind_is_given_out_again_and_counts_once() {
        let mut deal = Deal::new(4);
        let first = [deal.fresh(), deal.fresh(), deal.fresh()].map(Option::unwrap_or_default);
        assert_eq!(first, [0, 1, 2]);
        // The GPU has 0 and 1; somebody gets impatient with 0.
        deal.lend(0);
        deal.lend(1);
        assert_eq!((deal.doubled(), deal.lends()), (Some(0), true));
        // It stops: 1 goes back, 0 is with somebody already.
        deal.give_back();
        assert_eq!((deal.doubled(), deal.lends()), (None, false));
        assert_eq!((deal.returned(), deal.returned(), deal.fresh(), deal.fresh()), (Some(1), None, Some(3), None));
        assert_eq!([0, 1, 2, 3, 0, 9].map(|task| deal.done(task)), [true, true, true, true, false, false]);
    }

    #[wasm_bindgen_test]
    fn what_the_gpu_has_done_is_nobody_elses() {
        let mut deal = Deal::new(1);
        let task = deal.fresh().unwrap_or_default();
        deal.lend(task);
        assert!(deal.done(task));
        deal.give_back();
        assert_eq!((deal.doubled(), deal.returned(), deal.fresh()), (None, None, None));
    }
}
