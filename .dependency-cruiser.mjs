// Who may import whom: see "Who may import whom" in CONTRIBUTING.md. scripts/import-rules.spec.ts plants a breach of each rule.
const SQL = '(^|/)node_modules/(kysely|pg|pg-[a-z-]+|graphile-worker)/';
const TESTS = String.raw`\.spec\.ts$`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one thing, or lack a third that both need.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'contract-speaks-zod-only',
      comment:
        "A module's contract is read by every protocol, by other modules and by clients: it knows zod and the contract language, nothing else.",
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/contract(/|[.]ts$)', pathNot: TESTS },
      to: { pathNot: ['(^|/)node_modules/zod/', '^src/platform/contract/', '^src/modules/[^/]+/contract(/|[.]ts$)'] },
    },
    {
      name: 'contract-language-stands-alone',
      comment: 'The contract language imports zod and itself.',
      severity: 'error',
      from: { path: '^src/platform/contract/', pathNot: TESTS },
      to: { pathNot: ['(^|/)node_modules/zod/', '^src/platform/contract/'] },
    },
    {
      name: 'platform-knows-no-module',
      comment: 'The platform is what modules stand on.',
      severity: 'error',
      from: { path: '^src/(platform|config)/', pathNot: TESTS },
      to: { path: '^src/(modules|cli)/|^src/(app|index|main)[.]' },
    },
    {
      name: 'module-keeps-to-contracts',
      comment: 'A module reaches another one through its contract only.',
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/', pathNot: TESTS },
      to: { path: '^src/modules/', pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/contract(/|[.]ts$)'] },
    },
    {
      name: 'module-knows-no-application',
      comment: 'A module stands on the platform; the application lists it.',
      severity: 'error',
      from: { path: '^src/modules/' },
      to: { path: '^src/cli/|^src/(app|index|main)[.]' },
    },
    {
      name: 'controllers-call-services',
      comment: 'Controllers take the input and call the service; repositories are behind it.',
      severity: 'error',
      from: { path: '[.](controller|handlers|jobs)[.]ts$' },
      to: { path: '[.]repository[.]ts$' },
    },
    {
      name: 'services-know-no-controller',
      comment: 'Controllers, services, repositories: each knows the next one only.',
      severity: 'error',
      from: { path: '[.](service|repository|rules)[.]ts$' },
      to: { path: '[.](controller|handlers|jobs)[.]ts$' },
    },
    {
      name: 'repositories-know-no-service',
      comment: 'A repository is SQL only.',
      severity: 'error',
      from: { path: '[.](repository|rules)[.]ts$' },
      to: { path: '[.]service[.]ts$' },
    },
    {
      name: 'only-repositories-know-sql',
      comment: 'In a module only repositories (and the row types) know the database.',
      severity: 'error',
      from: { path: '^src/modules/', pathNot: [TESTS, '[.]repository[.]ts$', '/tables[.]ts$'] },
      to: { path: SQL },
    },
    {
      name: 'only-repositories-read-tables',
      comment: 'Row types stay behind the repositories.',
      severity: 'error',
      from: { path: '^src/modules/', pathNot: [TESTS, '[.]repository[.]ts$', '/tables[.]ts$'] },
      to: { path: '/tables[.]ts$' },
    },
    {
      name: 'clients-know-contracts-only',
      comment: 'The web and the client know what is offered, not how it is done.',
      severity: 'error',
      from: { path: '^(apps/web|packages/client)/', pathNot: TESTS },
      to: { path: '^src/', pathNot: ['^src/modules/[^/]+/contract(/|[.]ts$)', '^src/platform/contract/'] },
    },
    {
      name: 'no-tests-in-production-code',
      comment: 'What runs at a customer imports no test and no test support.',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { path: `${TESTS}|^test/|^bench/` },
    },
    {
      name: 'installed-at-customers',
      comment: 'What runs at a customer is among the dependencies, not the development ones.',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'resolvable', comment: 'An import that leads nowhere.', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|data)/|^packages/[^/]+/dist/' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
