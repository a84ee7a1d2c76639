/*
 * The other yardstick: a filter on Sendmail's libmilter that does nothing but answer 4xx at RCPT.
 *
 *     cc -O2 -o noop noop-libmilter.c -lmilter -lpthread && ./noop unix:/path
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>

static sfsistat at_rcpt(SMFICTX *context, char **arguments)
{
	(void)context;
	(void)arguments;
	return SMFIS_TEMPFAIL;
}

int main(int argc, char **argv)
{
	static struct smfiDesc description = {
		.xxfi_name = "noop", .xxfi_version = SMFI_VERSION, .xxfi_envrcpt = at_rcpt,
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s SOCKET\n", argv[0]);
		return 64;
	}
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS ||
	    smfi_setbacklog(1024) != MI_SUCCESS || smfi_opensocket(1) != MI_SUCCESS)
		return 69;
	puts("listening");
	fflush(stdout);
	return smfi_main() == MI_SUCCESS ? 0 : 70;
}
