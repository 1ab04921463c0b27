//! Runs a recipe's rounds and tasks on all cores, and hands the outputs over in order.

use rankweave_adapter::{Error, Kind, Result, Source};
use rankweave_recipe::{Facts, Prepared, TaskOutput};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Looks at all modules as often as the method wants it.
pub(crate) fn survey(
    prepared: &Prepared,
    sources: &[&(dyn Source + Sync)],
    cancelled: &AtomicBool,
    told: impl Fn(usize),
) -> Result<Facts> {
    let mut facts = Facts::default();
    for _ in 0..prepared.rounds() {
        let mut tasks = Vec::new();
        let survey = |sources: &[&dyn Source], task| prepared.survey_task(sources, task, &facts);
        in_parallel(prepared.tasks(), sources, cancelled, survey, |found| {
            told(prepared.modules_in(tasks.len()));
            tasks.push(found);
            Ok(())
        })?;
        facts.add(&tasks);
    }
    Ok(facts)
}

/// Calls `take` with every task's output, in the tasks' order, on this thread.
pub(crate) fn run(
    prepared: &Prepared,
    sources: &[&(dyn Source + Sync)],
    facts: &Facts,
    cancelled: &AtomicBool,
    take: impl FnMut(TaskOutput) -> Result<()>,
) -> Result<()> {
    let run = |sources: &[&dyn Source], task| prepared.run_task(sources, task, facts);
    in_parallel(prepared.tasks(), sources, cancelled, run, take)
}

/// Does `work` for every task on all cores, and calls `take` with the results in the tasks' order, on this thread.
/// `cancelled` is looked at between tasks.
pub(crate) fn in_parallel<T: Send>(
    tasks: usize,
    sources: &[&(dyn Source + Sync)],
    cancelled: &AtomicBool,
    work: impl Fn(&[&dyn Source], usize) -> Result<T> + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let run = |sender: mpsc::SyncSender<(usize, Result<T>)>| {
        let sources: Vec<&dyn Source> = sources.iter().map(|s| *s as &dyn Source).collect();
        while !stop.load(Ordering::Relaxed) {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks || sender.send((task, work(&sources, task))).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        // The bound keeps finished outputs from piling up before a slow disk.
        let (sender, receiver) = mpsc::sync_channel(workers);
        for _ in 0..workers.min(tasks) {
            let sender = sender.clone();
            scope.spawn(move || run(sender));
        }
        drop(sender);
        let done = in_order(receiver, cancelled, &mut take);
        stop.store(true, Ordering::Relaxed);
        done
    })
}

fn in_order<T>(
    receiver: mpsc::Receiver<(usize, Result<T>)>,
    cancelled: &AtomicBool,
    take: &mut impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (task, output) in receiver {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Cancelled, "Cancelled").hint("Nothing was written."));
        }
        early.insert(task, output?);
        while let Some(output) = early.remove(&next) {
            take(output)?;
            next += 1;
        }
    }
    Ok(())
}
