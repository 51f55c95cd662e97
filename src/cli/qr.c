/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/qr.h"

#include "base/error.h"

#include <dlfcn.h>
#include <qrencode.h>
#include <string.h>

#define BLACK_ON_WHITE "\033[38;5;16;48;5;231m"
#define COLOUR_END "\033[0m"

enum { QUIET_ZONE = 4 }; /* modules (ISO/IEC 18004, 6.3.8) */

/* Loaded, since every program start would pay for what one in a thousand needs. */
struct encoder {
	void *library;
	QRcode *(*encode)(const char *, int, QRecLevel, QRencodeMode, int);
	void (*end)(QRcode *);
};

static int encoder_open(struct encoder *encoder)
{
	encoder->library = dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!encoder->library)
		return ERROR_UNAVAILABLE;
	*(void **)&encoder->encode = dlsym(encoder->library, "QRcode_encodeString");
	*(void **)&encoder->end = dlsym(encoder->library, "QRcode_free");
	if (encoder->encode && encoder->end)
		return 0;
	(void)dlclose(encoder->library);
	return ERROR_UNAVAILABLE;
}

static bool is_dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return code->data[y * code->width + x] & 1;
}

/* What a module is drawn by is the foreground: the dark ones on white, else the light ones. */
static const char *block_of(bool upper, bool lower)
{
	if (upper)
		return lower ? "\u2588" : "\u2580";
	return lower ? "\u2584" : " ";
}

static void append_code(struct buf *buf, const QRcode *code, bool colour)
{
	int end = code->width + QUIET_ZONE;

	for (int y = -QUIET_ZONE; y < end; y += 2) {
		(void)buf_append_text(buf, colour ? BLACK_ON_WHITE : "");
		for (int x = -QUIET_ZONE; x < end; x++)
			(void)buf_append_text(buf, block_of(is_dark(code, x, y) == colour,
							   is_dark(code, x, y + 1) == colour));
		(void)buf_append_text(buf, colour ? COLOUR_END "\n" : "\n");
	}
}

int qr_append(struct buf *buf, const char *text, bool colour, size_t *ret_width)
{
	struct encoder encoder;
	QRcode *code;
	int error = encoder_open(&encoder);

	if (error)
		return error;
	code = encoder.encode(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	if (code) {
		append_code(buf, code, colour);
		*ret_width = (size_t)code->width + 2 * QUIET_ZONE;
		encoder.end(code);
	}
	(void)dlclose(encoder.library);
	return code ? buf_status(buf) : ERROR_LIMIT;
}
