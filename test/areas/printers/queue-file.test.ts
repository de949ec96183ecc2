import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readConfLine, writeConfLine } from '../../../src/state/areas/printers/conf-line.ts';
import { redactUri } from '../../../src/state/areas/printers/device-uri.ts';
import { readOptionsLine, writeOptionsLine } from '../../../src/state/areas/printers/lpoptions.ts';
import { readPpd } from '../../../src/state/areas/printers/ppd.ts';
import { blocksOf, readQueueFile, writeQueueFile } from '../../../src/state/areas/printers/queue-file.ts';
import { blockOf, classOf, printerOf } from '../../../src/state/areas/printers/queues.ts';
import { confValue, printClass, printer, SETTINGS } from '../../../src/state/areas/printers/schema.ts';

const value = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .map((text) => text.trim())
  .filter((text) => text !== '' && confValue.safeParse(text).success);
const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/).filter((text) => text !== '.' && text !== '..');
const settings = fc
  .array(fc.record({ name: fc.constantFrom(...SETTINGS), value }, { noNullPrototype: true }), { maxLength: 8 })
  .map((some) => SETTINGS.flatMap((one) => some.filter((setting) => setting.name === one)));
const queue = {
  name,
  isDefault: fc.constant(false),
  isEnabled: fc.boolean(),
  isAccepting: fc.boolean(),
  isShared: fc.boolean(),
  settings,
};
const printers = fc.record(
  {
    ...queue,
    deviceUri: fc.stringMatching(/^socket:\/\/[!-~]{0,30}$/),
    type: fc.nat(),
    programs: fc.constant([]),
  },
  { noNullPrototype: true },
);
const classes = fc.record({ ...queue, members: fc.array(name, { maxLength: 4 }) }, { noNullPrototype: true });
const ABOUT = { id: 7, isDefault: false, keepsUuid: true, nowMs: 1_700_000_000_000 };

test('a directive is read as it was written, whatever its value', () => {
  fc.assert(
    fc.property(value, (text) => {
      assert.deepEqual(readConfLine(writeConfLine({ keyword: 'Info', value: text })), { keyword: 'Info', value: text });
    }),
  );
  assert.equal(readConfLine('  # only a comment'), undefined);
  assert.deepEqual(readConfLine('Info Info \\#1 # two'), { keyword: 'Info', value: 'Info #1 # two' });
});

test('a printer and a class are read as they were written', () => {
  fc.assert(
    fc.property(printers, (one) => {
      const [block] = blocksOf(readQueueFile(writeQueueFile([blockOf(printer.parse(one), ABOUT)])));
      assert.deepEqual(block && printerOf(block), one);
    }),
  );
  fc.assert(
    fc.property(classes, (one) => {
      const [block] = blocksOf(readQueueFile(writeQueueFile([blockOf(printClass.parse(one), ABOUT)])));
      assert.deepEqual(block && classOf(block), one);
    }),
  );
});

test('a file of queues keeps every line that is not understood', () => {
  const line = fc.constantFrom(
    '# a comment',
    '',
    'NextPrinterId 9',
    '<Printer a>',
    '</Printer>',
    '<DefaultPrinter b>',
    'Info x',
    '<Odd c>',
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const text = lines.map((one) => `${one}\n`).join('');
      // An end tag is written as its beginning is.
      assert.equal(writeQueueFile(readQueueFile(text).parts).replaceAll('Default', ''), text.replaceAll('Default', ''));
    }),
  );
});

test('a block that never ends is named, and the next one is read', () => {
  const file = readQueueFile('<Printer a>\nInfo a\n<Printer b>\nInfo b\n</Printer>\n');
  assert.deepEqual(file.problems, ['Printer a has no end']);
  assert.deepEqual(
    blocksOf(file).map(({ name: found, lines }) => [found, lines]),
    [['b', ['Info b']]],
  );
});

test('options of a destination are read as they were written', () => {
  for (const line of ['Dest lab media=A4 sides=one-sided', 'Default lab/draft Duplex=None x="a b"', 'Dest raw']) {
    const read = readOptionsLine(line);
    assert.equal(read && writeOptionsLine(read), line);
  }
  assert.equal(readOptionsLine('# Dest lab a=b'), undefined);
});

test('an address is shown without user, password and what a query hides', () => {
  assert.equal(redactUri('smb://ann:s3cr%40t@server/share'), 'smb://server/share');
  assert.equal(redactUri('smb://ann:s3/cr@t@server/share'), 'smb://server/share');
  assert.equal(redactUri('http://server:631/p?password=x&uuid=1'), 'http://server:631/p?uuid=1');
  assert.equal(redactUri('usb://HP/LaserJet%201020?serial=XYZ'), 'usb://HP/LaserJet%201020?serial=XYZ');
  fc.assert(
    fc.property(fc.stringMatching(/^[!-~]{1,20}$/), (secret) => {
      assert.equal(redactUri(`ipp://ann:${secret}@host.example/ipp`), 'ipp://host.example/ipp');
    }),
  );
});

const ppd = (text: string) => readPpd({ path: '/a', mode: 0o640, uid: 0, gid: 7, text: `*PPD-Adobe: "4.3"\n${text}` });

test('a driver description tells which filters it needs', () => {
  const text =
    '*cupsFilter: "application/vnd.cups-raster 50 rastertohp"\n*cupsFilter2: "image/urf image/pwg 0 maxsize(9) -"\n';
  assert.deepEqual(ppd(text), { filters: ['rastertohp'] });
});

test('a driver description that would start something of its own is known, however it is written', () => {
  for (const text of [
    '*cupsFilter: "application/x 0 /tmp/evil"',
    '*cupsFilter: "application/x 0 ../../../tmp/evil"',
    '*cupsFilter: "application/x 0 sh -c evil"',
    '*cupsFilter: "application/x\n0 /tmp/evil"',
    '\t*CUPSfilter2: "application/x application/y 0 /tmp/evil"',
    '*cupsPreFilter: "application/x 0 /tmp/evil"\r*End',
    '*cupsFilter Option/Text: "application/x 0 /tmp/evil"',
    '*cupsFilter: application/x 0 /tmp/evil',
  ]) {
    assert.equal(ppd(text).effect, 'root-runs', text);
  }
  assert.equal(ppd('*FoomaticRIPCommandLine: "gs -q; evil"').effect, 'hook');
  assert.equal(ppd('*FoomaticRIPOptionPrototype Resolution: "`evil`"').effect, 'hook');
  const packed = { path: '/a', mode: 0o640, uid: 0, gid: 7, base64: Buffer.from([0x1f, 0x8b, 8]).toString('base64') };
  assert.equal(readPpd(packed).effect, 'root-runs');
});
