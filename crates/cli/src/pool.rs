//! Runs a recipe's rounds and tasks on all cores and the GPU, and hands the outputs over in order.

use crate::gpu::Gpu;
use rankweave_adapter::{Error, Kind, Result, Source};
use rankweave_merge::entries::{Backend, Cpu, now};
use rankweave_recipe::{Facts, Prepared, TaskOutput};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Who works on a recipe.
pub(crate) struct Pool<'a> {
    pub prepared: &'a Prepared,
    pub sources: &'a [&'a (dyn Source + Sync)],
    /// Looked at between tasks.
    pub cancelled: Arc<AtomicBool>,
    /// Takes tasks as the cores do, on a thread of its own.
    pub gpu: Option<Gpu>,
}

impl Pool<'_> {
    /// Looks at all modules as often as the method wants it.
    pub fn survey(&mut self, told: impl Fn(usize)) -> Result<Facts> {
        let prepared = self.prepared;
        let mut facts = Facts::default();
        for _ in 0..prepared.rounds() {
            let mut tasks = Vec::new();
            let survey = |backend: &dyn Backend, sources: &[&dyn Source], task| {
                done(now(prepared.survey_task_on(backend, sources, task, &facts)))
            };
            self.in_parallel(survey, |found| {
                told(prepared.modules_in(tasks.len()));
                tasks.push(found);
                Ok(())
            })?;
            facts.add(&tasks);
        }
        Ok(facts)
    }

    /// Calls `take` with every task's output, in the tasks' order, on this thread.
    pub fn run(&mut self, facts: &Facts, take: impl FnMut(TaskOutput) -> Result<()>) -> Result<()> {
        let prepared = self.prepared;
        let run = |backend: &dyn Backend, sources: &[&dyn Source], task| {
            done(now(prepared.run_task_on(backend, sources, task, facts)))
        };
        self.in_parallel(run, take)
    }

    /// Does `work` for every task, and calls `take` with the results in the tasks' order, on this thread.
    fn in_parallel<T: Send>(
        &mut self,
        work: impl Fn(&dyn Backend, &[&dyn Source], usize) -> Result<T> + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let Pool { prepared, sources, cancelled, gpu } = self;
        let tasks = prepared.tasks();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let run = |backend: &dyn Backend, sender: mpsc::SyncSender<(usize, Result<T>)>| {
            let sources: Vec<&dyn Source> = sources.iter().map(|s| *s as &dyn Source).collect();
            while !stop.load(Ordering::Relaxed) {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks || sender.send((task, work(backend, &sources, task))).is_err() {
                    break;
                }
            }
        };
        let run = &run;
        thread::scope(|scope| {
            // The bound keeps finished outputs from piling up before a slow disk.
            let (sender, receiver) = mpsc::sync_channel(workers);
            // The GPU first: it is the fastest.
            if let Some(gpu) = gpu {
                let sender = sender.clone();
                scope.spawn(move || run(gpu, sender));
            }
            for _ in 0..workers.min(tasks) {
                let sender = sender.clone();
                scope.spawn(move || run(&Cpu, sender));
            }
            drop(sender);
            let done = in_order(receiver, cancelled, &mut take);
            stop.store(true, Ordering::Relaxed);
            done
        })
    }
}

/// What does not wait in a terminal is done; neither the cores nor the GPU wait there.
fn done<T>(result: Option<Result<T>>) -> Result<T> {
    result.unwrap_or_else(|| Err(Error::new(Kind::Device, "A device did not finish").hint("Please report this.")))
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
