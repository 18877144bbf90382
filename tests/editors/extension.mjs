// Runs VS Code's extension without VS Code: `node extension.mjs EXTENSION FOLDER trusted|untrusted`.
// Of the editor there is what the extension itself asks; everything else is a name for nothing.
import Module, { createRequire } from "node:module";

const [extension, folder, trust] = process.argv.slice(2);
const require = createRequire(import.meta.url);

function nothing() {}
nothing.prototype = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : anything) });
const anything = new Proxy(nothing, {
  get: (target, name) => {
    if (name === "prototype") {
      return target.prototype;
    }
    return name === Symbol.toPrimitive ? () => "" : name === "then" ? undefined : anything;
  },
  apply: () => anything,
  construct: (target, _, made) => Reflect.construct(target, [], made),
});
const partly = (known) =>
  new Proxy(known, { get: (target, name) => (name in target ? target[name] : anything) });

const settings = { path: "${workspaceFolder}/orch" };
const editor = partly({
  version: "1.90.0",
  workspace: partly({
    isTrusted: trust === "trusted",
    workspaceFolders: [{ uri: { fsPath: folder } }],
    getConfiguration: () => ({ get: (name) => settings[name] }),
  }),
});

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? editor : load(name, ...rest));

const { activate } = require(extension);
// The server that is started here says nothing, and the client waits for it: what counts is the start.
setTimeout(() => process.exit(0), 3000).unref();
await Promise.race([
  activate({ subscriptions: [] }),
  new Promise((resolve) => setTimeout(resolve, 2000)),
]);
process.exit(0);
