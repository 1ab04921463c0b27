// Giving up.

/** `promise`, or the signal's reason as soon as it is aborted; then `stop` is called. */
export function until(signal, promise, stop) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      stop?.();
    };
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
