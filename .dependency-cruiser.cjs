// The floors of the house (docs/ARCHITECTURE.md): imports go down only, and never in a circle.
const floor = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: `^src/(${to})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    floor('common-is-the-ground', 'common', 'state|protocols|node|api|cli', 'common imports nothing of ours'),
    floor('state-knows-no-network', 'state', 'protocols|node|api|cli', 'state speaks through the ports in common'),
    floor('protocols-know-no-files', 'protocols', 'state|node|api|cli', 'protocols speak through the ports in common'),
    floor('node-below-api', 'node', 'api|cli', 'the roles do not know who asks'),
    floor('api-below-cli', 'api', 'cli', 'the API does not know the command line'),
    floor('cli-talks-to-api', 'cli', 'state|protocols|node', 'the command line talks through the API client only'),
    {
      name: 'protocols-touch-no-file-system',
      severity: 'error',
      from: { path: '^src/protocols/' },
      to: { path: '^(node:)?(fs|fs/promises|sqlite|child_process|worker_threads)$' },
    },
    {
      name: 'state-has-no-libp2p-node',
      severity: 'error',
      from: { path: '^src/state/' },
      to: {
        path: 'node_modules/(libp2p|@libp2p/(tcp|mdns|identify|ping|yamux)|@chainsafe/libp2p-noise|multicast-dns)/',
      },
    },
    {
      name: 'product-free-of-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|demo|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
