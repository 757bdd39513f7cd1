/** Preloaded into a process (`--require`): writes the paths of the CommonJS modules that it has loaded by its end, which is what drivers are made of. */
const { writeFileSync } = require('node:fs');
const Module = require('node:module');

process.on('exit', () => writeFileSync(process.env.LOADED_MODULES, Object.keys(Module._cache).join('\n')));
