import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientServers, renameClientServers } from '../../../src/state/areas/licences/client-settings.ts';
import {
  type FlexStatement,
  parseFlexNet,
  renameServers,
  writeFlexNet,
} from '../../../src/state/areas/licences/flexnet.ts';
import { isFree, plainHostId } from '../../../src/state/areas/licences/host-ids.ts';
import { recognise } from '../../../src/state/areas/licences/recognise.ts';
import { parseRlm, type RlmStatement, renameHosts, rlmFacts, writeRlm } from '../../../src/state/areas/licences/rlm.ts';
import { dayOf } from '../../../src/state/areas/licences/tokens.ts';
import { assignmentOf } from '../../../src/state/areas/licences/variables.ts';

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,12}$/);
const host = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\.[a-z]{2,5}){0,2}$/);
const hostId = fc.oneof(
  fc.stringMatching(/^[0-9a-f]{12}$/),
  fc.constantFrom('ANY', 'DEMO', 'USER=ann', 'INTERNET=10.0.*.*', 'DISK_SERIAL_NUM=3e2e17fd'),
);
const ends = fc.constantFrom('permanent', '1-jan-0', '31-dec-2031', '01-feb-2020');
const count = fc.oneof(fc.constant('uncounted'), fc.nat(500).map(String));
const option = fc.oneof(
  hostId.map((id) => `HOSTID=${id}`),
  fc.tuple(hostId, hostId).map(([a, b]) => `HOSTID=${a} ${b}`),
  fc.stringMatching(/^[0-9A-F ]{4,30}[0-9A-F]$/).map((signature) => `SIGN=${signature}`),
  fc.constant('NOTICE=Licensed to Ann, of Lab 3'),
);
const statement: fc.Arbitrary<FlexStatement> = fc.oneof(
  record({
    kind: fc.constant('server' as const),
    host,
    hostId,
    rest: fc.array(fc.nat(65_535).map(String), { maxLength: 1 }),
  }),
  record({ kind: fc.constant('vendor' as const), name: word, rest: fc.constant(['PORT=27001']) }),
  fc.constant({ kind: 'use-server' as const }),
  record({
    kind: fc.constant('feature' as const),
    keyword: fc.constantFrom('FEATURE' as const, 'INCREMENT' as const),
    name: word,
    vendor: word,
    version: fc.constantFrom('1.0', '2023.1'),
    ends,
    count,
    options: fc.array(option, { maxLength: 4 }),
  }),
  record({ kind: fc.constant('other' as const), text: fc.constantFrom('', '# a comment', 'NOT KNOWN') }),
);

test('a FlexNet file that was written reads as it was', () => {
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 12 }), (statements) => {
      assert.deepEqual(parseFlexNet(writeFlexNet(statements)), statements);
    }),
  );
});

test('continued lines read as one, and a comment does not continue', () => {
  const text = 'FEATURE a v \\\n\t1.0 permanent \\\n uncounted HOSTID=ANY SIGN="12 \\\n34"\n# ends \\\nUSE_SERVER\n';
  const [feature, comment, use] = parseFlexNet(text);
  assert.equal(feature?.kind === 'feature' && feature.options.length, 2);
  assert.equal(comment?.kind, 'other');
  assert.equal(use?.kind, 'use-server');
});

test('another name for a server changes its name and no other byte, wherever the line is continued', () => {
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 10 }), host, fc.boolean(), (statements, name, isBroken) => {
      const before = writeFlexNet(statements);
      const text = isBroken ? before.replaceAll(/^SERVER /gm, 'SERVER \\\n\t') : before;
      const names = statements.flatMap((one) => (one.kind === 'server' ? [one.host] : []));
      const old = names[0];
      const after = renameServers(text, (one) => (one === old ? name : undefined));
      const back = parseFlexNet(after).map((one) => (one.kind === 'server' && one.host === name ? 'own' : one));
      const expected = parseFlexNet(text).map((one) =>
        one.kind === 'server' && (one.host === old || one.host === name) ? 'own' : one,
      );
      // Their host ids and ports are compared apart, since both sides hide them above.
      assert.deepEqual(back, expected);
      assert.equal(
        after.length - text.length,
        names.filter((one) => one === old).length * (name.length - (old ?? '').length),
      );
      assert.equal(
        renameServers(text, () => undefined),
        text,
      );
    }),
  );
});

test('carriage returns and comments of a FlexNet file stay', () => {
  const text = '# keep\r\nSERVER old 001122334455 27000\r\nVENDOR mlm\r\nFEATURE a mlm 1 permanent 1 SIGN=AA\r\n';
  assert.equal(
    renameServers(text, () => 'new'),
    text.replace('old', 'new'),
  );
});

const licence: fc.Arbitrary<RlmStatement> = fc.oneof(
  record({
    kind: fc.constant('host' as const),
    host,
    hostId: fc.constantFrom('ANY', '0000a74f88ce'),
    rest: fc.constant(['5053']),
  }),
  record({ kind: fc.constant('isv' as const), name: word, rest: fc.constant([]) }),
  record({
    kind: fc.constant('licence' as const),
    isv: word,
    product: word,
    version: fc.constant('3.0'),
    ends,
    count,
    options: fc.constantFrom([], ['hostid=any', 'sig=60PG45'], ['_ck=f81efcf79a']),
  }),
  record({ kind: fc.constant('other' as const), text: fc.constantFrom('# Licences of the lab', 'CUSTOMER ann') }),
);

test('an RLM file that was written reads as it was', () => {
  fc.assert(
    fc.property(fc.array(licence, { minLength: 1, maxLength: 12 }), (statements) => {
      assert.deepEqual(parseRlm(writeRlm(statements)), statements);
    }),
  );
});

test('an RLM licence goes on in lines without a keyword, and its server is renamed alone', () => {
  const text =
    'HOST old 0000a74f88ce 5053\nISV reprise\nLICENSE reprise joe 3.0 permanent 10 _ck=f8\nsig="60PG" hostid=any\n';
  const facts = rlmFacts(text);
  assert.deepEqual(facts?.hostIds, ['any']);
  assert.deepEqual(facts?.servers, [{ host: 'old', hostId: '0000a74f88ce' }]);
  assert.equal(
    renameHosts(text, (name) => (name === 'old' ? 'fresh' : undefined)),
    text.replace('HOST old', 'HOST fresh'),
  );
});

test('a megabyte of the most tiresome lines is read without going over them again and again', () => {
  const lines = 500_000;
  assert.equal(parseRlm(`LICENSE a b 1 permanent 1\n${'x\n'.repeat(lines)}`).length, 2);
  assert.equal(parseFlexNet(`FEATURE a b 1 permanent 1 \\\n${'x \\\n'.repeat(lines / 2)}`).length, 1);
});

test('no bytes make a recogniser throw', () => {
  const paths = [
    '/opt/a/license.dat',
    '/home/a/.config/JetBrains/x/idea.key',
    '/opt/IBM/lservrc',
    '/a/mathpass',
    '/a/stata.lic',
  ];
  const pieces = fc.constantFrom(
    'SERVER ',
    'FEATURE ',
    'HOST ',
    'LICENSE ',
    '"',
    '\\\n',
    '\n',
    'HOSTID=',
    ' ANY ',
    '@h',
    '\0',
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.array(fc.oneof(pieces, fc.string()), { maxLength: 40 })),
      (path, content) => {
        const bytes = content instanceof Uint8Array ? content : Buffer.from(content.join(''));
        const facts = recognise(path, bytes);
        if (facts) assert.ok(facts.format.length > 0);
        for (const text of [Buffer.from(bytes).toString('latin1')]) {
          assert.equal(
            renameServers(text, () => undefined),
            text,
          );
          assert.equal(
            renameHosts(text, () => undefined),
            text,
          );
          assert.equal(
            renameClientServers(text, () => undefined),
            text,
          );
        }
      },
    ),
  );
});

test('licences are known by what they hold, and terms of use are none', () => {
  const feature = 'INCREMENT MATLAB MLM 43 permanent uncounted HOSTID=001122334455 SIGN=AB';
  assert.equal(recognise('/opt/any/licence.xyz', Buffer.from(feature))?.vendor, 'MLM');
  assert.equal(recognise('/opt/any/a.lic', Buffer.from('x1$'))?.fixed?.sort, 'unknown');
  assert.equal(recognise('/opt/any/readme.txt', Buffer.from('x1$')), undefined);
  const terms = 'This software is licensed, not sold. You may use it on one computer. '.repeat(20);
  assert.equal(recognise('/opt/any/product.license', Buffer.from(terms)), undefined);
  const json = Buffer.from('{"licenseId":"AB12CD34EF","products":[{"code":"II","paidUpTo":"2027-05-01"}]}').toString(
    'base64',
  );
  const key = `<certificate-key>\nAB12CD34EF-${json}-c2ln-Y2VydA==`;
  for (const bytes of [Buffer.from(key), Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.from(key, 'utf16le')])]) {
    const facts = recognise('/home/ann/.config/JetBrains/IdeaIC2024.1/idea.key', bytes);
    assert.deepEqual([facts?.products, facts?.endsMs], [['II'], Date.UTC(2027, 4, 1)]);
    assert.equal(facts?.fixed?.sort, 'portable');
  }
  const setinit = "PROC SETINIT RELEASE='9.4';\nSITEINFO NAME='LAB' SITE=1 EXPIRE='31DEC2026'D;\nRUN;";
  assert.equal(recognise('/opt/SASHome/licenses/a.txt', Buffer.from(setinit))?.endsMs, Date.UTC(2026, 11, 31));
  assert.equal(recognise('/usr/local/stata18/stata.lic', Buffer.from('1!a!b!c!d!e!Ann!Lab!'))?.format, 'Stata');
  const mathpass = 'box 6417-12345-12345 1111-2222-33333 123-456-789:0:0\n';
  assert.deepEqual(recognise('/home/a/.Mathematica/Licensing/mathpass', Buffer.from(mathpass))?.hostIds, [
    'MathID=6417-12345-12345',
  ]);
  assert.deepEqual(recognise('/a/Licensing/mathpass', Buffer.from('!lm.lab.org\n'))?.servers, [
    { host: 'lm.lab.org', hostId: 'ANY' },
  ]);
  assert.equal(
    recognise('/opt/IBM/SPSS/x/lservrc', Buffer.from('# a\nKYJTSB5UOWWA3B9LBXPXNRHYUTTZLL66 # x'))?.fixed?.sort,
    're-host',
  );
  assert.deepEqual(
    recognise(
      '/ansys_inc/shared_files/licensing/ansyslmd.ini',
      Buffer.from('SERVER=1055@lm1:1055@lm2\nANSYSLI_SERVERS=2325@lm1'),
    )?.servers.map(({ host: name }) => name),
    ['lm1', 'lm2', 'lm1'],
  );
});

test('days, host ids and servers are read in all their spellings', () => {
  assert.equal(dayOf('1-jan-0'), 'permanent');
  assert.equal(dayOf('01-jan-0000'), 'permanent');
  assert.equal(dayOf('31-DEC-2031'), Date.UTC(2031, 11, 31));
  assert.equal(dayOf('31-dec-99'), Date.UTC(1999, 11, 31));
  assert.equal(dayOf('31-xyz-2031'), undefined);
  assert.equal(plainHostId('00:1B:2c:3D:4e:5f'), '001b2c3d4e5f');
  assert.equal(plainHostId('ETHER=001B2C3D4E5F'), '001b2c3d4e5f');
  for (const id of ['ANY', 'demo', 'USER=ann', 'DISPLAY=x', 'INTERNET=10.1.*.*', 'FLEXID=9-B28520B7', 'ID=12'])
    assert.ok(isFree(id), id);
  for (const id of ['001b2c3d4e5f', 'DISK_SERIAL_NUM=3e2e17fd', 'INTERNET=10.1.2.3', 'HOSTNAME=old', '17007ea8'])
    assert.ok(!isFree(id), id);
  assert.deepEqual(clientServers('a=27000@one:@two;27001@three.lab.org'), ['one', 'two', 'three.lab.org']);
  assert.equal(
    renameClientServers('MLM_LICENSE_FILE=27000@old:27000@older', (name) => (name === 'old' ? 'new' : undefined)),
    'MLM_LICENSE_FILE=27000@new:27000@older',
  );
});

test('settings that say where a licence is are told from others, and from keys', () => {
  assert.deepEqual(assignmentOf('export MLM_LICENSE_FILE="27000@lm:/opt/a.lic"'), {
    name: 'MLM_LICENSE_FILE',
    value: '27000@lm:/opt/a.lic',
  });
  assert.deepEqual(assignmentOf('LM_LICENSE_FILE=@lm'), { name: 'LM_LICENSE_FILE', value: '@lm' });
  assert.deepEqual(assignmentOf('setenv RLM_LICENSE 5053@lm;'), { name: 'RLM_LICENSE', value: '5053@lm' });
  for (const line of [
    'PATH=/usr/bin',
    '# LM_LICENSE_FILE=@lm',
    'VENDOR_LICENSE=ABCDEF123',
    'setenv LM_LICENSE_FILE=@lm',
    'LM_LICENSE_FILE @lm',
  ]) {
    assert.equal(assignmentOf(line), undefined, line);
  }
});
