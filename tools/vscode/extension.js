// Starts `dlc lsp` for files of DL, and stops it with the editor.

const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

async function start() {
  const command = vscode.workspace.getConfiguration('dl').get('path');
  const server = { command, args: ['lsp'] };
  const documents = { documentSelector: [{ language: 'dl' }] };
  client = new LanguageClient('dl', 'DL', server, documents);
  try {
    await client.start();
  } catch (error) {
    const open = 'Open settings';
    const message = `\`${command} lsp\` does not start: ${error.message}. Set "dl.path" to the compiler.`;
    if ((await vscode.window.showErrorMessage(message, open)) === open) {
      vscode.commands.executeCommand('workbench.action.openSettings', 'dl.path');
    }
  }
}

async function stop() {
  const last = client;
  client = undefined;
  // One that never started cannot be stopped.
  await last?.stop().catch(() => {});
}

async function restart() {
  await stop();
  await start();
}

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand('dl.restart', restart),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('dl.path') && restart()),
  );
  await start();
};

exports.deactivate = stop;
