import type { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import type { System, ToolOptions, ToolResult } from '../../../src/state/areas/base/system.ts';

export type TestTool = (args: readonly string[], options?: ToolOptions) => Partial<ToolResult> | undefined;

/** A machine in a folder that says it runs, with programs that answer as a test wants; it has no others. */
export function liveView(machine: LocalSystem, tools: Readonly<Record<string, TestTool>> = {}): System {
  return {
    root: machine.root,
    isLive: true,
    asRoot: machine.asRoot,
    facts: (path) => machine.facts(path),
    read: (path, maxBytes) => machine.read(path, maxBytes),
    text: (path, maxBytes) => machine.text(path, maxBytes),
    readLink: (path) => machine.readLink(path),
    list: (path) => machine.list(path),
    isUnreadable: (path) => machine.isUnreadable(path),
    run: (tool, args, options) => {
      const result = tools[tool]?.(args, options);
      return result && { status: 0, stdout: '', stderr: '', ...result };
    },
  };
}
