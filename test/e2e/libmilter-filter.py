"""A filter on libmilter, by Debian's python3-milter: what the client of src/milter/ is held to.

usage: libmilter-filter.py SOCKET

What it answers is told by the local part of the sender (at MAIL and at the end) or recipient. Prints a line for each event.
"""
import sys
import Milter


def say(*words):
    print(*words, flush=True)


class Filter(Milter.Base):
    def __init__(self):
        self.chunks = 0

    def connect(self, host, family, address):
        say('connect', host, address, 'j=%s' % self.getsymval('j'))
        return Milter.CONTINUE

    @Milter.noreply
    def hello(self, name):
        say('helo', name)
        return Milter.CONTINUE

    def envfrom(self, sender, *arguments):
        self.sender = sender
        self.chunks = 0
        say('mail', sender, list(arguments), 'auth_authen=%s' % self.getsymval('{auth_authen}'))
        if 'discard' in sender:
            return Milter.DISCARD
        return self.answer(sender)

    def envrcpt(self, recipient, *arguments):
        say('rcpt', recipient, list(arguments))
        return self.answer(recipient)

    @Milter.nocallback
    def unknown(self, command):
        return Milter.CONTINUE

    @Milter.noreply
    def header(self, name, value):
        say('header', name, repr(value))
        return Milter.CONTINUE

    def eoh(self):
        return Milter.CONTINUE

    def body(self, chunk):
        self.chunks += 1
        say('body', len(chunk))
        return Milter.SKIP if self.chunks == 2 else Milter.CONTINUE

    def eom(self):
        say('eom')
        if 'edits' in self.sender:
            self.progress()
            self.addheader('X-Last', 'one\n two')
            self.addheader('X-First', 'top', 0)
            self.chgheader('Subject', 2, 'new')
            self.chgheader('X-Gone', 1, '')
            self.chgfrom('<new@example.net>', 'SIZE=10')
            self.addrcpt('<more@example.org>')
            self.addrcpt('<par@example.org>', 'NOTIFY=NEVER')
            self.delrcpt('<b@example.org>')
            self.replacebody('other\r\n')
            self.quarantine('looks odd')
        if 'at-end' in self.sender:
            self.setreply('554', '5.7.1', 'at the end')
            return Milter.REJECT
        return Milter.CONTINUE

    def abort(self):
        say('abort')
        return Milter.CONTINUE

    def close(self):
        say('close')
        return Milter.CONTINUE

    def answer(self, address):
        if 'greylist' in address:
            self.setreply('451', '4.7.1', 'Greylisted, 100%% sure')
            return Milter.TEMPFAIL
        if 'lines' in address:
            self.setreply('550', '5.7.1', 'first', 'second', 'last')
            return Milter.REJECT
        if 'reject' in address:
            return Milter.REJECT
        if 'tempfail' in address:
            return Milter.TEMPFAIL
        return Milter.ACCEPT if 'accept' in address else Milter.CONTINUE


Milter.factory = Filter
Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.DELRCPT | Milter.QUARANTINE
                 | Milter.CHGFROM | Milter.ADDRCPT_PAR)
Milter.runmilter('libmilter-filter', sys.argv[1], 30)
