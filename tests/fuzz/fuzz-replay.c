/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The main of a fuzz target where no fuzzer drives it: feeds it every file of a directory, and
 * mutations of each that are the same in every run. A crash or a sanitizer's report is the failure.
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define MUTATIONS 2000u

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Exactly as long as the input, so that a read past its end is seen. */
static void
feed (const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  LLVMFuzzerTestOneInput (copy, size);
}

static void
mutate (GRand *random, GByteArray *input)
{
  const guint n = g_rand_int_range (random, 1, 5);

  for (guint i = 0; i < n && input->len > 0; i++)
    {
      static const guint8 interesting[] = { 0, 1, 4, 0x7f, 0x80, 0xff };
      const guint at = g_rand_int_range (random, 0, input->len);

      switch (g_rand_int_range (random, 0, 5))
        {
        case 0:
          input->data[at] ^= 1u << g_rand_int_range (random, 0, 8);
          break;
        case 1:
          input->data[at] = g_rand_int (random);
          break;
        case 2:
          {
            const guint length = 1u << g_rand_int_range (random, 0, 4);

            memset (input->data + at,
                    interesting[g_rand_int_range (random, 0, G_N_ELEMENTS (interesting))],
                    MIN (input->len - at, length));
            break;
          }
        case 3:
          g_byte_array_set_size (input, at);
          break;
        default:
          {
            const guint from = g_rand_int_range (random, 0, input->len);
            const guint length = MIN (input->len - MAX (at, from), 16);

            memmove (input->data + at, input->data + from, length);
          }
        }
    }
}

static void
replay (gconstpointer data)
{
  const char *path = data;
  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (GRand) random = g_rand_new_with_seed (g_str_hash (name));
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  feed ((const guint8 *)content, size);
  for (guint i = 0; i < MUTATIONS; i++)
    {
      g_autoptr (GByteArray) input = g_byte_array_new ();

      g_byte_array_append (input, (const guint8 *)content, size);
      mutate (random, input);
      feed (input->data, input->len);
    }
}

static void
replay_nothing (void)
{
  feed ((const guint8 *)"", 0);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) directory = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;

  g_test_init (&argc, &argv, NULL);
  if (argc != 2 || !(directory = g_dir_open (argv[1], 0, &error)))
    {
      g_printerr ("usage: %s CORPUS-DIRECTORY: %s\n", argv[0], error ? error->message : "");
      return EXIT_FAILURE;
    }

  g_test_add_func ("/replay/empty", replay_nothing);
  while ((name = g_dir_read_name (directory)))
    {
      g_autofree char *test = g_strconcat ("/replay/", name, NULL);

      g_ptr_array_add (paths, g_build_filename (argv[1], name, NULL));
      g_test_add_data_func (test, g_ptr_array_index (paths, paths->len - 1), replay);
    }
  if (paths->len == 0)
    {
      g_printerr ("%s: no input in %s\n", argv[0], argv[1]);
      return EXIT_FAILURE;
    }
  return g_test_run ();
}
