// The suites, by name: what runs is in the files beside this one.

import { challenge } from './challenge.mjs';
import { identity } from './identity.mjs';
import { run } from './kit.mjs';
import { kafka } from './kafka.mjs';
import { looks } from './looks.mjs';
import { screenshots } from './screenshots.mjs';
import { times } from './times.mjs';
import { voting } from './voting.mjs';

// Those that wait for the clock begin first, and others fill their waits.
const suites = { phones: [...times, ...voting, ...identity, ...challenge, ...looks], kafka, screenshots };

await run(suites[process.argv[2]], 4);
