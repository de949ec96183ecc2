/** Starts the print server on its own socket, and waits until it answers. */
export const WITH_CUPS = `
mkdir -p /run/cups
/usr/sbin/cupsd -f >/dev/null 2>&1 &
cups=$!
export CUPS_SERVER=/run/cups/cups.sock
for i in $(seq 200); do lpstat -r 2>/dev/null | grep -q 'is running' && break; sleep 0.1; done
`;

/** Ends it, so that it writes what it knows. */
export const END_CUPS = `
kill $cups; wait $cups || true
`;

export const PRINTERS = `
${WITH_CUPS}
lpadmin -p laser -E -v socket://10.9.8.7:9100 -m drv:///sample.drv/laserjet.ppd -D 'Laser, 2nd floor' -L 'Room 5' -o PageSize=A4 -o printer-error-policy=retry-job -u allow:ann,bob
lpadmin -p colour -E -v ipp://ann:druck-geheim@printserver.lab.example/printers/colour -m drv:///sample.drv/deskjet.ppd -D 'Colour' -o printer-is-shared=false
lpadmin -p plain -E -v lpd://10.9.8.6/queue -m raw 2>/dev/null
lpadmin -p laser -c floor2 2>/dev/null
cupsaccept floor2; cupsenable floor2
cupsdisable -r 'toner is out' plain
lpadmin -d laser
printf 'Dest laser sides=two-sided-long-edge\n' > /etc/cups/lpoptions
setpriv --reuid=ann --regid=ann --init-groups env HOME=/home/ann lpoptions -p colour -o PageSize=A5 >/dev/null
setpriv --reuid=ann --regid=ann --init-groups env HOME=/home/ann lpoptions -d colour >/dev/null
${END_CUPS}
`;
