// Starts `orch lsp` for the pipeline files of a window, and speaks with it over stdio.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

const HELP =
  "Install it with `pip install 'orch[lsp]'`, or set `orch.path` to the command you want.";

let client;

/** The command that the settings name, with the open folder put in. */
function serverCommand() {
  const path = vscode.workspace.getConfiguration("orch").get("path") || "orch";
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? ".";
  return path.replaceAll("${workspaceFolder}", folder);
}

async function start() {
  if (!vscode.workspace.isTrusted || client) {
    return;
  }
  const command = serverCommand();
  const server = { command, args: ["lsp"], transport: TransportKind.stdio };
  const asked = {
    documentSelector: [{ scheme: "file", language: "pipeline" }],
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/{*.pipeline,orch.toml}") },
  };
  client = new LanguageClient("orch", "orch", server, asked);
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const chosen = await vscode.window.showErrorMessage(
      `\`${command} lsp\` can't be started: ${error.message} ${HELP}`,
      "Open settings"
    );
    if (chosen) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "orch.path");
    }
  }
}

async function stop() {
  const old = client;
  client = undefined;
  await old?.dispose();
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("orch.restart", restart),
    vscode.workspace.onDidGrantWorkspaceTrust(start),
    vscode.workspace.onDidChangeConfiguration((change) =>
      change.affectsConfiguration("orch.path") ? restart() : undefined
    )
  );
  await start();
}

module.exports = { activate, deactivate: stop };
