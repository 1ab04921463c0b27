//! How much work goes to the device at a time.
//!
//! A device does one submission after the other and draws nothing meanwhile, and a driver takes one that lasts for seconds
//! for a hang. So M is worked on in ranges of rows, as large as 50 ms allow by a running estimate of operations per ms.
//! Every read waits for all that was submitted before it: the work since the device was idle, and the time until the answer
//! is there, are a measurement that costs nothing.
//!
//! | measured | the estimate |
//! |---|---|
//! | more operations per ms than it says | rises to them, at most fourfold |
//! | fewer, in 10 ms or more | falls to them at once |
//! | fewer, in less time | stays: what a submission and a read cost beside the work plays a role then |
//! | any, while a kernel was compiled or the clock stood still | stays |
//!
//! Ranges change no result: sums over rows and columns are cut at places of M alone (`run.rs`).

use std::cell::Cell;

/// Milliseconds since any moment. It never goes back.
pub type Clock = fn() -> f64;

/// Milliseconds that a submission is to take: half of what is to be the most, since some work is slower than other.
const AIM: f64 = 50.0;

/// Operations of the first submission.
const FIRST: f64 = 2e8;

/// Most that the estimate rises by at a time.
const RISE: f64 = 4.0;

/// Milliseconds from which a measurement is believed that tells of less speed.
const SURE: f64 = 10.0;

/// The running estimate.
pub(super) struct Pace {
    clock: Clock,
    /// Operations per ms.
    rate: Cell<f64>,
    busy: Cell<Option<Busy>>,
}

/// What the device has been doing since it was idle.
#[derive(Clone, Copy)]
struct Busy {
    since: f64,
    operations: f64,
    /// Whether something was compiled meanwhile.
    compiled: bool,
}

impl Pace {
    /// One that knows nothing yet.
    pub fn new(clock: Clock) -> Pace {
        Pace { clock, rate: Cell::new(FIRST / AIM), busy: Cell::default() }
    }

    /// Operations that the next submission may take.
    pub fn budget(&self) -> f64 {
        AIM * self.rate.get()
    }

    /// So many operations per ms from now on.
    #[cfg(test)]
    pub fn set(&mut self, rate: f64) {
        self.rate.set(rate);
    }

    /// Nothing that was submitted before is waited for any more.
    pub fn begins(&self) {
        self.busy.set(None);
    }

    /// So many operations are about to be submitted.
    pub fn submits(&self, operations: f64) {
        let busy = self.busy.get();
        let mut busy = busy.unwrap_or_else(|| Busy { since: (self.clock)(), operations: 0.0, compiled: false });
        busy.operations += operations;
        self.busy.set(Some(busy));
    }

    /// A kernel is compiled for what is about to be submitted.
    pub fn compiles(&self) {
        self.busy.set(self.busy.get().map(|busy| Busy { compiled: true, ..busy }));
    }

    /// All that was submitted is done.
    pub fn waited(&self) {
        let Some(Busy { since, operations, compiled }) = self.busy.take() else { return };
        let (took, rate) = ((self.clock)() - since, self.rate.get());
        let seen = operations / took;
        if compiled || operations <= 0.0 || took.is_nan() || took <= 0.0 {
            return;
        }
        if seen > rate {
            self.rate.set(seen.min(RISE * rate));
        } else if took >= SURE {
            self.rate.set(seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static NOW: Cell<f64> = const { Cell::new(0.0) };
    }

    fn pace() -> Pace {
        Pace::new(|| NOW.get())
    }

    /// Submissions that take `each` ms, and a read.
    fn measure(pace: &Pace, operations: &[f64], each: f64) {
        for some in operations {
            pace.submits(*some);
            NOW.set(NOW.get() + each);
        }
        pace.waited();
    }

    /// A device of `speed` operations per ms, which is kept busy by whole submissions.
    fn work(pace: &Pace, speed: f64) -> f64 {
        let operations = pace.budget();
        measure(pace, &[operations], operations / speed);
        operations / speed
    }

    #[test]
    fn it_begins_small_and_comes_to_fifty_milliseconds() {
        // From 10 GFLOP/s to 20 TFLOP/s.
        for speed in [1e7, 1e9, 2e10] {
            let pace = pace();
            assert!((pace.budget() - 2e8).abs() < 1.0);
            let mut took = Vec::new();
            (0..8).for_each(|_| took.push(work(&pace, speed)));
            assert!(took.iter().all(|ms| *ms < 50.1), "{took:?}");
            assert!((took[7] - 50.0).abs() < 0.1, "{took:?}");
        }
        // One that is slower than was thought takes longer once.
        let pace = pace();
        let took: Vec<f64> = (0..3).map(|_| work(&pace, 1e6)).collect();
        assert!((took[0] - 200.0).abs() < 0.1 && (took[1] - 50.0).abs() < 0.1 && (took[2] - 50.0).abs() < 0.1);
    }

    #[test]
    fn several_submissions_are_one_measurement() {
        let pace = pace();
        measure(&pace, &[5e7, 1e8, 1.5e8], 10.0);
        assert!((pace.budget() - 5e8).abs() < 1.0, "300 M operations in 30 ms");
        // Time in which nothing was submitted is not the device's.
        NOW.set(NOW.get() + 1e6);
        pace.waited();
        measure(&pace, &[5e8], 50.0);
        assert!((pace.budget() - 5e8).abs() < 1.0);
    }

    #[test]
    fn what_tells_nothing_changes_nothing() {
        let pace = pace();
        let first = pace.budget();
        // Small work takes as long as its read.
        measure(&pace, &[1e5], 9.9);
        // No work, and a clock that stands still, goes back or is none.
        measure(&pace, &[0.0], 100.0);
        measure(&pace, &[1e12], 0.0);
        measure(&pace, &[1e12], -5.0);
        measure(&pace, &[1e12], f64::NAN);
        NOW.set(0.0);
        // What failed before its read.
        pace.submits(1e5);
        NOW.set(1e6);
        pace.begins();
        // Compilation.
        pace.submits(1e5);
        pace.compiles();
        NOW.set(2e6);
        pace.waited();
        assert_eq!(pace.budget().to_bits(), first.to_bits());
        // The next is measured again.
        measure(&pace, &[1e5], 10.0);
        assert!(pace.budget() < first);
    }
}
