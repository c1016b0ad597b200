/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a VM as bytes. */
#include "src/migration/sv-state-file.h"

#include <string.h>

#define VERSION 1u
#define DIGEST_SIZE 32u

static const char magic[8] = { 'S', 'V', 'S', 'T', 'A', 'T', 'E', '\n' };

typedef struct
{
  char magic[sizeof magic];
  guint32 version;
  guint32 reserved;
  guint64 length;
  guint8 digest[DIGEST_SIZE]; /* SHA-256 of what is before it and of the GVariant */
} Header;

G_STATIC_ASSERT (sizeof (Header) == SV_STATE_HEADER_SIZE);

static void
digest (const Header *header, gconstpointer data, gsize length, guint8 sum[DIGEST_SIZE])
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = DIGEST_SIZE;

  g_checksum_update (checksum, (const guchar *)header, G_STRUCT_OFFSET (Header, digest));
  g_checksum_update (checksum, data, (gssize)length);
  g_checksum_get_digest (checksum, sum, &size);
}

GBytes *
sv_state_pack (GVariant *state)
{
  g_autoptr (GVariant) little
      = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_get_normal_form (state) : g_variant_byteswap (state);
  gsize length = g_variant_get_size (little);
  guint8 *bytes = g_malloc (sizeof (Header) + length);
  Header header = { .version = GUINT32_TO_LE (VERSION), .length = GUINT64_TO_LE (length) };

  memcpy (header.magic, magic, sizeof magic);
  g_variant_store (little, bytes + sizeof header);
  digest (&header, bytes + sizeof header, length, header.digest);
  memcpy (bytes, &header, sizeof header);
  return g_bytes_new_take (bytes, sizeof header + length);
}

static gboolean
fail (GError **error, SvMigrationError code, const char *text)
{
  g_set_error_literal (error, SV_MIGRATION_ERROR, code, text);
  return FALSE;
}

static gboolean
check_header (const Header *header, const guint8 *data, gsize length, GError **error)
{
  guint8 sum[DIGEST_SIZE];
  guint32 version = GUINT32_FROM_LE (header->version);
  guint64 told = GUINT64_FROM_LE (header->length);

  if (memcmp (header->magic, magic, sizeof magic) != 0)
    return fail (error, SV_MIGRATION_ERROR_INVALID, "it is no state of a VM");
  if (version != VERSION)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "version %u of the format; %u is known", version,
                   VERSION);
      return FALSE;
    }
  if (told != length)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                   "it has %" G_GUINT64_FORMAT " bytes and says that they are %" G_GUINT64_FORMAT, (guint64)length, told);
      return FALSE;
    }
  digest (header, data, length, sum);
  return memcmp (sum, header->digest, sizeof sum) == 0
         || fail (error, SV_MIGRATION_ERROR_INVALID, "its checksum is wrong: it was altered");
}

GVariant *
sv_state_unpack (GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GVariant) state = NULL;
  Header header;

  if (size < sizeof header || size > SV_STATE_MAX_SIZE)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "%" G_GSIZE_FORMAT " bytes are no state of a VM", size);
      return NULL;
    }
  memcpy (&header, data, sizeof header);
  if (!check_header (&header, data + sizeof header, size - sizeof header, error))
    return NULL;

  payload = g_bytes_new_from_bytes (bytes, sizeof header, size - sizeof header);
  state = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (SV_STATE_TYPE), payload, FALSE));
  /* Whoever makes up a checksum can make up the rest. */
  if (!g_variant_is_normal_form (state))
    {
      fail (error, SV_MIGRATION_ERROR_INVALID, "its content is malformed");
      return NULL;
    }
  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_steal_pointer (&state) : g_variant_byteswap (state);
}
