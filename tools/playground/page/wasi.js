// What the module asks of its system: time, random numbers, standard output and errors. There are no files, no network
// and no arguments; everything else fails with ENOSYS or EBADF.

const SUCCESS = 0;
const EBADF = 8;
const ENOSYS = 52;

// The module's raw texts, for the console.
const decoder = new TextDecoder();

/** The imports of a module of WASI preview 1. `memory` gives its memory, once it is instantiated. */
export function wasi(memory) {
  const view = () => new DataView(memory().buffer);
  const bytes = (at, length) => new Uint8Array(memory().buffer, at, length);
  const empty = (count, size) => {
    view().setUint32(count, 0, true);
    view().setUint32(size, 0, true);
    return SUCCESS;
  };
  const known = {
    args_get: () => SUCCESS,
    args_sizes_get: empty,
    environ_get: () => SUCCESS,
    environ_sizes_get: empty,
    clock_time_get(clock, _precision, at) {
      const milliseconds = clock === 0 ? Date.now() : performance.now();
      view().setBigUint64(at, BigInt(Math.round(milliseconds * 1e6)), true);
      return SUCCESS;
    },
    clock_res_get(_clock, at) {
      view().setBigUint64(at, 1000n, true);
      return SUCCESS;
    },
    random_get(at, length) {
      // The browser gives 65536 bytes at a time.
      for (let done = 0; done < length; done += 65536) {
        crypto.getRandomValues(bytes(at + done, Math.min(65536, length - done)));
      }
      return SUCCESS;
    },
    fd_write(file, parts, count, written) {
      if (file !== 1 && file !== 2) return EBADF;
      let total = 0;
      let text = '';
      for (let i = 0; i < count; i++) {
        const at = view().getUint32(parts + 8 * i, true);
        const length = view().getUint32(parts + 8 * i + 4, true);
        text += decoder.decode(bytes(at, length).slice());
        total += length;
      }
      if (text.trim() !== '') console.log(text);
      view().setUint32(written, total, true);
      return SUCCESS;
    },
    sched_yield: () => SUCCESS,
    proc_exit(code) {
      throw new Error(`the compiler ended with status ${code}`);
    },
  };
  const files = ['fd_prestat_get', 'fd_prestat_dir_name', 'fd_close', 'fd_read', 'fd_seek', 'fd_fdstat_get', 'fd_filestat_get'];
  return new Proxy(known, {
    get(target, name) {
      if (name in target) return target[name];
      return files.includes(name) ? () => EBADF : () => ENOSYS;
    },
  });
}
