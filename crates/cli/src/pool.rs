//! Runs a recipe's tasks on all cores and hands the outputs over in order.

use rankweave_adapter::{Error, Kind, Result, Source};
use rankweave_recipe::{Prepared, TaskOutput};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Calls `take` with every task's output, in the tasks' order, on this thread.
/// `cancelled` is looked at between tasks.
pub(crate) fn run(
    prepared: &Prepared,
    sources: &[&(dyn Source + Sync)],
    cancelled: &AtomicBool,
    mut take: impl FnMut(TaskOutput) -> Result<()>,
) -> Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |sender: mpsc::SyncSender<Result<TaskOutput>>| {
        let sources: Vec<&dyn Source> = sources.iter().map(|s| *s as &dyn Source).collect();
        while !stop.load(Ordering::Relaxed) {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= prepared.tasks() || sender.send(prepared.run_task(&sources, task)).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        // The bound keeps finished outputs from piling up before a slow disk.
        let (sender, receiver) = mpsc::sync_channel(2 * workers);
        for _ in 0..workers.min(prepared.tasks()) {
            let sender = sender.clone();
            scope.spawn(move || work(sender));
        }
        drop(sender);
        let done = in_order(receiver, cancelled, &mut take);
        stop.store(true, Ordering::Relaxed);
        done
    })
}

fn in_order(
    receiver: mpsc::Receiver<Result<TaskOutput>>,
    cancelled: &AtomicBool,
    take: &mut impl FnMut(TaskOutput) -> Result<()>,
) -> Result<()> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for output in receiver {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Cancelled, "Cancelled").hint("Nothing was written."));
        }
        let output = output?;
        early.insert(output.task, output);
        while let Some(output) = early.remove(&next) {
            take(output)?;
            next += 1;
        }
    }
    Ok(())
}
