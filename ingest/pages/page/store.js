// What this browser keeps between two views: the choices and what became of them, one row
// `{day, choices, state, receipt}` with state choosing, pending, challenged, received, or what was
// found out.
//
// Works where storage is refused (private mode, full, switched off): then as long as it can.
(function (weir) {
  'use strict';

  const key = 'weir:' + weir.tools.facts.id;

  function works(storage) {
    try {
      storage.setItem(key + '?', '1');
      storage.removeItem(key + '?');
      return true;
    } catch (refused) {
      return false;
    }
  }

  function storage() {
    // Only looking at these may throw.
    for (const name of ['localStorage', 'sessionStorage']) {
      try {
        if (works(window[name])) return window[name];
      } catch (refused) {
        // The next one.
      }
    }
    return null;
  }

  const kept = storage();
  let memory = null;

  const numbers = (value) => Array.isArray(value) && value.every(Number.isInteger);

  function read(text) {
    try {
      const row = JSON.parse(text);
      if (row && numbers(row.choices) && typeof row.state === 'string') return row;
    } catch (broken) {
      // As good as nothing.
    }
    return { day: null, choices: [], state: 'choosing' };
  }

  function load() {
    try {
      if (kept) return read(kept.getItem(key));
    } catch (refused) {
      // What is in memory, then.
    }
    return read(memory);
  }

  function save(row) {
    memory = JSON.stringify(row);
    try {
      if (kept) kept.setItem(key, memory);
    } catch (refused) {
      // Memory has it.
    }
    return row;
  }

  // Notes that this tab leaves to sign in.
  function leave() {
    try {
      window.sessionStorage.setItem(key + ':left', '1');
    } catch (refused) {
      // Then nobody can tell when it is back.
    }
  }

  // Whether this tab left to sign in, said once; null where nobody can tell.
  function hadLeft() {
    try {
      const storage = window.sessionStorage;
      if (!works(storage)) return null;
      const left = storage.getItem(key + ':left') !== null;
      storage.removeItem(key + ':left');
      return left;
    } catch (refused) {
      return null;
    }
  }

  // Another tab has changed it.
  function onChange(changed) {
    window.addEventListener('storage', (event) => {
      if (event.key === key) changed(read(event.newValue));
    });
  }

  weir.store = { load, save, onChange, leave, hadLeft };
})(window.weir = window.weir || {});
