// One merge: tasks go out to the hands, their bytes come back in any order, the desk gets them in order.
//
// A task is given out only while the bytes that wait for the desk stay below HELD; the task the desk waits for has
// always been given out by then, so this cannot lock up.

import { unexpected } from "./error.js";

/** Most bytes that may wait for the desk. */
const HELD = 128 << 20;

/** Gives out tasks 0 to `count`, two at a time to each hand, so that none waits for this thread. */
async function deal(hands, count, ask, heard, room = () => undefined) {
  let next = 0;
  const lane = async (hand) => {
    while (next < count) {
      const wait = room();
      if (wait) {
        await wait;
        continue;
      }
      const task = next++;
      heard(task, await hand.ask(ask(task)));
    }
  };
  await Promise.all([...hands, ...hands].map(lane));
}

/** Runs a merge to its end: the desk's last answer. `crew(tasks)` gives the hands, at most one per task. */
export async function run({ desk, crew, begin, prepare, files }, told) {
  const { body: plan } = await desk.ask(begin);
  const hands = crew(plan.tasks);
  const plans = await Promise.all(hands.map((hand) => hand.ask(prepare, files)));
  const same = ({ body }) => body.tasks === plan.tasks && body.rounds === plan.rounds && body.modules === plan.modules;
  if (!plans.every(same)) throw unexpected();

  const total = plan.modules * (plan.rounds + 1);
  for (let round = 0; round < plan.rounds; round++) {
    const tasks = [];
    let heard = 0;
    await deal(hands, plan.tasks, (task) => ({ Survey: { task } }), (task, { body }) => {
      tasks[task] = body;
      heard += 1;
      // Tasks hold about as many modules each.
      told({ phase: "survey", done: plan.modules * round + Math.floor((plan.modules * heard) / plan.tasks), total, bytes: 0 });
    });
    await Promise.all([...hands, desk].map((worker) => worker.ask({ Found: { tasks } })));
  }
  await write(desk, hands, plan.tasks, { phase: "merge", done: plan.modules * plan.rounds, total, bytes: 0 }, told);
  return desk.ask("Finish");
}

/** All tasks: run by the hands, written by the desk. */
function write(desk, hands, tasks, progress, told) {
  const made = new Map();
  let due = 0;
  let held = 0;
  let wake = () => {};
  let room = null;
  return new Promise((resolve, reject) => {
    const pass = async (task, modules, meta, bytes) => {
      const size = bytes.byteLength;
      await desk.ask({ Write: { task, meta } }, [bytes], { move: [bytes] });
      held -= size;
      progress = { ...progress, done: progress.done + modules, bytes: progress.bytes + size };
      told(progress);
      wake();
      if (task + 1 === tasks) resolve();
    };
    const heard = (task, { body: { meta, modules }, attached: [bytes] }) => {
      held += bytes.byteLength;
      made.set(task, [modules, meta, bytes]);
      for (; made.has(due); due++) {
        pass(due, ...made.get(due)).catch(reject);
        made.delete(due);
      }
    };
    const full = () => {
      if (held <= HELD) return undefined;
      room ??= new Promise((done) => (wake = done)).then(() => (room = null));
      return room;
    };
    told(progress);
    if (tasks === 0) resolve();
    deal(hands, tasks, (task) => ({ Run: { task } }), heard, full).catch(reject);
  });
}
