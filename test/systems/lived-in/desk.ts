const AS_ANN = 'setpriv --reuid=ann --regid=ann --init-groups env HOME=/home/ann USER=ann XDG_RUNTIME_DIR=/tmp/run-ann';

/** Pages that put a word where a browser keeps such, and that show it. */
const PAGE_THAT_KEEPS = `<!doctype html><body><script>localStorage.setItem('word', 'amber')</script>`;
const PAGE_THAT_SHOWS = `<!doctype html><body><script>document.body.textContent = 'kept: ' + localStorage.getItem('word')</script>`;

/** Runs the browser on ann's own profile, without a screen. It ends by itself; what it says of this sandbox is not of interest. */
const browse = (page: string): string => `
timeout 60 ${AS_ANN} chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --password-store=basic --user-data-dir=/home/ann/.config/chromium --virtual-time-budget=2000 --dump-dom file:///home/ann/Documents/${page} 2>/dev/null
`;

/** What the browser shows of what it has kept. On a busy machine it may show a page before it has read what it kept: asking again writes nothing. */
export const SHOW_KEPT = `
for i in 1 2 3 4 5 6; do
  kept=$(${browse('shows.html').trim()} | grep -o 'kept: [a-z]*')
  [ "$kept" = 'kept: amber' ] && break
done
echo "$kept"
`;

export const DCONF_DUMP = `
mkdir -p /tmp/run-ann; chown ann:ann /tmp/run-ann; chmod 700 /tmp/run-ann
${AS_ANN} dbus-run-session -- dconf dump /
`;

/** Applications with settings: by their own programs where they are installed, else as those write them. */
export const APPLICATIONS = `
mkdir -p /tmp/run-ann; chown ann:ann /tmp/run-ann; chmod 700 /tmp/run-ann
cat > /tmp/ann.dconf <<'END'
[org/gnome/desktop/interface]
color-scheme='prefer-dark'
text-scaling-factor=1.25

[org/gnome/desktop/session]
idle-delay=uint32 0

[lab/instrument]
channels=[1, 2, 3]
label='Köln'
END
${AS_ANN} dbus-run-session -- dconf load / < /tmp/ann.dconf
rm /tmp/ann.dconf
cat > /home/ann/Documents/keeps.html <<'END'
${PAGE_THAT_KEEPS}
END
cat > /home/ann/Documents/shows.html <<'END'
${PAGE_THAT_SHOWS}
END
chown ann:ann /home/ann/Documents/*.html
mkdir -p /home/ann/.config; chown ann:ann /home/ann/.config
${browse('keeps.html')} > /dev/null
cd /home/ann
mkdir -p .config/libreoffice/4/user .config/Code/User .mozilla/firefox/abcd1234.default-esr .thunderbird/wxyz.default .local/share/keyrings .config/labnotebook .local/share/labnotebook
printf '<?xml version="1.0" encoding="UTF-8"?>\\n<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.UserProfile/Data"><prop oor:name="sn" oor:op="fuse"><value>Ann</value></prop></item></oor:items>\\n' > .config/libreoffice/4/user/registrymodifications.xcu
printf '{ "editor.tabSize": 3 }\\n' > .config/Code/User/settings.json
printf '[Profile0]\\nName=default-esr\\nIsRelative=1\\nPath=abcd1234.default-esr\\nDefault=1\\n' > .mozilla/firefox/profiles.ini
printf 'user_pref("browser.startup.homepage", "https://lab.example/");\\n' > .mozilla/firefox/abcd1234.default-esr/prefs.js
printf '[Profile0]\\nName=default\\nIsRelative=1\\nPath=wxyz.default\\n' > .thunderbird/profiles.ini
printf 'user_pref("mail.account.account1.server", "server1");\\n' > .thunderbird/wxyz.default/prefs.js
printf '[user]\\n\\tname = Ann Ångström\\n\\temail = ann@lab.example\\n' > .gitconfig
printf 'set number\\n' > .vimrc
printf 'GnomeKeyring\\n\\r\\0\\n' > .local/share/keyrings/login.keyring; chmod 600 .local/share/keyrings/login.keyring
printf '[notebook]\\nauthor=Ann\\n' > .config/labnotebook/config.ini
echo kept > .local/share/labnotebook/notes.txt
mkdir -p .cache/labnotebook; echo rebuilt > .cache/labnotebook/thumb
chown -R ann:ann .config .mozilla .thunderbird .local .gitconfig .vimrc .cache
`;

export const DISPLAY = `
mkdir -p /etc/X11/xorg.conf.d
printf 'Section "Monitor"\\n  Identifier "DP-1"\\n  Option "Rotate" "left"\\nEndSection\\n' > /etc/X11/xorg.conf.d/10-monitor.conf
cat > /home/ann/.config/monitors.xml <<'END'
<monitors version="2">
  <configuration>
    <logicalmonitor>
      <x>0</x><y>0</y><scale>1</scale><primary>yes</primary>
      <transform><rotation>left</rotation><flipped>no</flipped></transform>
      <monitor>
        <monitorspec><connector>DP-1</connector><vendor>DEL</vendor><product>DELL U2415</product><serial>7MT0186A1ABC</serial></monitorspec>
        <mode><width>1920</width><height>1200</height><rate>59.950</rate></mode>
      </monitor>
    </logicalmonitor>
  </configuration>
</monitors>
END
chown ann:ann /home/ann/.config/monitors.xml
`;
