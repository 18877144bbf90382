// Tells what VS Code's own engine makes of files: `node textmate.mjs NODE_MODULES SCOPE FILE…`
// prints for every file the pieces of each line, as [start, end, scopes].
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [modules, scope, ...files] = process.argv.slice(2);
const require = createRequire(path.join(modules, "here.js"));
const oniguruma = require("vscode-oniguruma");
const { INITIAL, Registry, parseRawGrammar } = require("vscode-textmate");

const ours = path.join(modules, "..", "syntaxes");
const theirs = path.join(modules, "tm-grammars", "grammars");
const places = {
  "source.pipeline": path.join(ours, "pipeline.tmLanguage.json"),
  "markdown.pipeline.codeblock": path.join(ours, "markdown.tmLanguage.json"),
  "source.shell": path.join(theirs, "shellscript.json"),
  "source.python": path.join(theirs, "python.json"),
  "source.js": path.join(theirs, "javascript.json"),
  "text.html.markdown": path.join(theirs, "markdown.json"),
};

await oniguruma.loadWASM(fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")));
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async (name) =>
    places[name] ? parseRawGrammar(fs.readFileSync(places[name], "utf8"), places[name]) : null,
  getInjections: (name) => (name === "text.html.markdown" ? ["markdown.pipeline.codeblock"] : []),
});
const grammar = await registry.loadGrammar(scope);

const told = files.map((file) => {
  let state = INITIAL;
  return fs.readFileSync(file, "utf8").split("\n").map((line) => {
    const { tokens, ruleStack, stoppedEarly } = grammar.tokenizeLine(line, state);
    if (stoppedEarly) {
      throw new Error(`${file}: a line took too long`);
    }
    state = ruleStack;
    return tokens.map((token) => [token.startIndex, Math.min(token.endIndex, line.length), token.scopes]);
  });
});
process.stdout.write(JSON.stringify(told));
