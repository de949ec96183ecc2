import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEdid } from '../../../src/state/areas/display/edid.ts';
import { addToKeyFile, readKeyFile, valueIn } from '../../../src/state/areas/display/key-file.ts';
import { readKscreen, readKwin } from '../../../src/state/areas/display/kscreen.ts';
import { orientationOf } from '../../../src/state/areas/display/monitors.ts';
import { readMonitorsXml } from '../../../src/state/areas/display/monitors-xml.ts';
import { readXml } from '../../../src/state/areas/display/xml.ts';

/** As monitors give it: a Dell with name and serial in its descriptors. */
function edid(descriptors: readonly [number, string][]): Buffer {
  const bytes = Buffer.alloc(128);
  Buffer.from([0, 255, 255, 255, 255, 255, 255, 0]).copy(bytes);
  bytes.writeUInt16BE((4 << 10) | (5 << 5) | 12, 8);
  bytes.writeUInt16LE(0xa07a, 10);
  bytes.writeUInt32LE(0x01020304, 12);
  descriptors.forEach(([tag, text], at) => {
    bytes.write(`\0\0\0${String.fromCharCode(tag)}\0${text}\n`.padEnd(18, ' '), 72 + at * 18, 'latin1');
  });
  return bytes;
}

test('a monitor is known by its EDID, with or without names in it', () => {
  const named = readEdid(
    edid([
      [0xff, '7MT0158'],
      [0xfc, 'DELL U2415'],
    ]),
  );
  assert.deepEqual(named, { vendor: 'DEL', product: 'DELL U2415', serial: '7MT0158' });
  assert.deepEqual(readEdid(edid([])), { vendor: 'DEL', product: '0xa07a', serial: '0x01020304' });
  assert.equal(readEdid(Buffer.alloc(128)), undefined);
  assert.equal(readEdid(edid([]).subarray(0, 100)), undefined);
});

const XML = `<?xml version="1.0"?>
<!-- <configuration> -->
<monitors version="2">
  <configuration>
    <logicalmonitor>
      <x>0</x><y>0</y><scale>1</scale><primary>yes</primary>
      <transform><rotation>left</rotation><flipped>no</flipped></transform>
      <monitor>
        <monitorspec><connector>DP-1</connector><vendor>DEL</vendor><product>DELL U2415 &amp; more</product><serial>7MT0158</serial></monitorspec>
        <mode><width>1920</width><height>1200</height><rate>59.950</rate></mode>
      </monitor>
    </logicalmonitor>
    <disabled><monitorspec><vendor>LEN</vendor></monitorspec></disabled>
  </configuration>
</monitors>
`;

test('GNOME’s monitors are read with their place, rotation and mode', () => {
  const [first] = readMonitorsXml(XML) ?? [];
  assert.deepEqual(first, [
    {
      ...{ vendor: 'DEL', product: 'DELL U2415 & more', serial: '7MT0158', connector: 'DP-1', rotation: 'left' },
      ...{ width: 1920, height: 1200, rateHz: 59.95, scale: 1, x: 0, y: 0, isPrimary: true },
    },
  ]);
  assert.equal(first?.[0] && orientationOf(first[0]), 'portrait');
  assert.equal(readMonitorsXml('<other/>'), undefined);
  assert.equal(readMonitorsXml('no xml'), undefined);
});

test('a turned monitor that is taller than wide lies, others stand', () => {
  const one = { vendor: '', product: '', serial: '', connector: '', isPrimary: false };
  assert.equal(orientationOf({ ...one, rotation: 'normal', width: 1920, height: 1080 }), 'landscape');
  assert.equal(orientationOf({ ...one, rotation: 'upside_down', width: 1920, height: 1080 }), 'landscape');
  assert.equal(orientationOf({ ...one, rotation: 'right', width: 1080, height: 1920 }), 'landscape');
  assert.equal(orientationOf({ ...one, rotation: 'normal', width: 1080, height: 1920 }), 'portrait');
});

test('KDE’s monitors are read from both of its formats', () => {
  const kscreen = JSON.stringify([
    {
      ...{ enabled: true, id: 'abc123', rotation: 2, scale: 1.5, priority: 1, pos: { x: 0, y: 10 } },
      ...{
        metadata: { fullname: 'xrandr-Dell', name: 'DP-1' },
        mode: { refresh: 59.9, size: { width: 1920, height: 1200 } },
      },
    },
    { enabled: false, id: 'off' },
  ]);
  const [one, none] = readKscreen(kscreen) ?? [];
  assert.equal(none, undefined);
  assert.deepEqual(
    [one?.serial, one?.rotation, one?.y, one?.isPrimary, one?.width],
    ['abc123', 'left', 10, true, 1920],
  );
  const kwin = JSON.stringify([
    {
      name: 'outputs',
      data: [
        {
          connectorName: 'DP-1',
          edidIdentifier: 'DEL 41082 808595532',
          transform: 'Rotated270',
          mode: { width: 1920, height: 1200, refreshRate: 59950 },
        },
        { odd: true },
      ],
    },
    { name: 'setups', data: [] },
  ]);
  const [other] = readKwin(kwin) ?? [];
  assert.deepEqual([other?.vendor, other?.product, other?.rotation, other?.rateHz], ['DEL', '41082', 'right', 59.95]);
  for (const text of ['', '{', '[]x', 'null', '[1]']) {
    assert.equal(readKscreen(text), undefined);
    assert.equal(readKwin(text), undefined);
  }
});

test('whatever a settings file holds, reading it as XML ends', () => {
  const part = fc.constantFrom(
    '<a>',
    '</a>',
    '<b x="1"/>',
    '<!--',
    '-->',
    '<?x',
    '?>',
    '<',
    '>',
    '&lt;',
    '&evil;',
    'text',
    '"',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const element = readXml(parts.join(''));
      assert.ok(element === undefined || typeof element.name === 'string');
    }),
    { numRuns: 3000 },
  );
  assert.equal(readXml('<a>'.repeat(50) + '</a>'.repeat(50)), undefined);
  assert.equal(readXml(`<a>${'<b/>'.repeat(30_000)}</a>`), undefined);
  assert.equal(readXml('<!--'.repeat(500_000)), undefined);
  assert.equal(readXml('<a><b></a></b>'), undefined);
  assert.equal(readXml('<a t="&quot;&lt;">x&amp;y&evil;</a>')?.text, 'x&y&evil;');
});

test('a value is added to its section, and every line stays', () => {
  const line = fc.constantFrom('[User]', '[Other]', 'Session=x', '# comment', '', 'odd', 'Icon=y');
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.map((one) => `${one}\n`).join('');
      const made = addToKeyFile(text, { section: 'User', key: 'New', value: 'v' });
      assert.equal(valueIn(readKeyFile(made), 'User', 'New'), 'v');
      const kept = (some: string) => some.split('\n').filter((one) => one !== '' && one !== 'New=v');
      const isNew = !lines.includes('[User]');
      assert.deepEqual(kept(made), isNew ? [...kept(text), '[User]'] : kept(text));
      const others = (some: string) => readKeyFile(some).filter(({ key }) => key !== 'New');
      assert.deepEqual(others(made), others(text));
    }),
  );
  assert.deepEqual(readKeyFile(' [A][B] \n key = a=b \n'), [{ section: 'A][B', key: 'key', value: 'a=b' }]);
});
