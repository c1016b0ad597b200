/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-test-accel.h"

#include <string.h>

#include "qom/sv-property.h"
#include "src/accel/sv-test-vcpu.h"
#include "src/runtime/sv-clock.h"

/* In hexadecimal digits, with room for the rest of a request */
#define MAX_REQUEST (2 * SV_TEST_MAX_LENGTH + 256)
/* More than this unread at the other end, and requests wait. */
#define MAX_UNSENT (1u << 20)

typedef struct
{
  SvObject *chardev; /* link */
  GByteArray *input;
  GByteArray *output;
  SvTestIrqs *irqs;
  SvTestAccess *access; /* while open */
} SvTestAccelPrivate;

enum
{
  PROP_CHARDEV = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvTestAccel, sv_test_accel, SV_TYPE_ACCEL)

#define PRIV(self) ((SvTestAccelPrivate *)sv_test_accel_get_instance_private (self))

/* --- requests and replies --- */

static void
flush_output (SvTestAccel *self)
{
  SvTestAccelPrivate *priv = PRIV (self);
  gsize done = 0;

  if (priv->chardev == NULL)
    {
      g_byte_array_set_size (priv->output, 0);
      return;
    }
  while (done < priv->output->len)
    {
      gsize n = sv_chardev_write (SV_CHARDEV (priv->chardev), priv->output->data + done,
                                  priv->output->len - done);

      if (n == 0)
        break;
      done += n;
    }
  if (done > 0)
    g_byte_array_remove_range (priv->output, 0, (guint)done);
}

/**
 * sv_test_accel_send: (skip)
 * @self: a test accelerator
 * @format: the line, without its end
 *
 * Sends a line to the test; without one it is lost.
 */
void
sv_test_accel_send (SvTestAccel *self, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_byte_array_append (PRIV (self)->output, (const guint8 *)line, (guint)strlen (line));
  g_byte_array_append (PRIV (self)->output, (const guint8 *)"\n", 1);
  flush_output (self);
}

static void
handle (SvTestAccel *self, const char *request)
{
  g_auto (GStrv) words = g_strsplit_set (request, " \t\r\n", -1);
  guint n = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (*words[i] == '\0')
        g_free (words[i]);
      else
        words[n++] = words[i];
    }
  words[n] = NULL;
  if (n == 0)
    return;
  sv_test_irqs_observe (PRIV (self)->irqs);
  SV_TEST_ACCEL_GET_CLASS (self)->handle_request (self, words, n);
}

static void
serve_input (SvTestAccel *self)
{
  SvTestAccelPrivate *priv = PRIV (self);

  while (priv->input->len > 0 && priv->output->len < MAX_UNSENT)
    {
      g_autofree char *request = NULL;
      gsize length;

      g_byte_array_append (priv->input, (const guint8 *)"", 1);
      g_byte_array_set_size (priv->input, priv->input->len - 1);
      length = SV_TEST_ACCEL_GET_CLASS (self)->find_request (self, (char *)priv->input->data,
                                                              priv->input->len);
      if (length == 0 && priv->input->len < MAX_REQUEST)
        return;
      if (length == 0)
        {
          g_byte_array_set_size (priv->input, 0);
          sv_test_accel_send (self, "ERR a request is longer than %u bytes", MAX_REQUEST);
          return;
        }
      request = g_strndup ((char *)priv->input->data, length);
      g_byte_array_remove_range (priv->input, 0, (guint)length);
      handle (self, request);
    }
}

static gsize
on_can_receive (gpointer opaque)
{
  SvTestAccelPrivate *priv = PRIV (opaque);

  return priv->output->len < MAX_UNSENT ? MAX_REQUEST + 1 - priv->input->len : 0;
}

static void
on_receive (gpointer opaque, const guint8 *data, gsize length)
{
  g_byte_array_append (PRIV (opaque)->input, data, (guint)length);
  serve_input (opaque);
}

static void
on_writable (gpointer opaque)
{
  SvTestAccelPrivate *priv = PRIV (opaque);

  flush_output (opaque);
  serve_input (opaque);
  if (priv->chardev != NULL)
    sv_chardev_update_input (SV_CHARDEV (priv->chardev));
}

static void
on_event (gpointer opaque, SvChardevEvent event)
{
  SvTestAccelPrivate *priv = PRIV (opaque);

  if (event == SV_CHARDEV_BREAK)
    return;
  g_byte_array_set_size (priv->input, 0);
  g_byte_array_set_size (priv->output, 0);
  if (event == SV_CHARDEV_OPENED && SV_TEST_ACCEL_GET_CLASS (opaque)->peer_came != NULL)
    SV_TEST_ACCEL_GET_CLASS (opaque)->peer_came (opaque);
}

static const SvChardevFrontend frontend = {
  .can_receive = on_can_receive,
  .receive = on_receive,
  .writable = on_writable,
  .event = on_event,
};

static void
disconnect (SvTestAccel *self)
{
  SvTestAccelPrivate *priv = PRIV (self);

  if (priv->chardev == NULL)
    return;
  sv_chardev_detach (SV_CHARDEV (priv->chardev));
  sv_object_set_link (SV_OBJECT (self), props[PROP_CHARDEV], &priv->chardev, NULL);
}

/* --- SvAccel --- */

static gboolean
sv_test_accel_open (SvAccel *accel, GError **error)
{
  sv_clock_take_control ();
  PRIV (SV_TEST_ACCEL (accel))->access
      = sv_test_access_new (sv_accel_get_memory (accel), sv_accel_get_io (accel));
  return TRUE;
}

static SvVcpu *
sv_test_accel_create_vcpu (SvAccel *accel, guint index, GError **error)
{
  return g_object_new (SV_TYPE_TEST_VCPU, "index", index, NULL);
}

static gboolean
sv_test_accel_reset (SvAccel *accel, GError **error)
{
  sv_test_irqs_reset (PRIV (SV_TEST_ACCEL (accel))->irqs);
  return TRUE;
}

static void
sv_test_accel_set_irq (SvAccel *accel, guint gsi, gboolean level)
{
  sv_test_irqs_set (PRIV (SV_TEST_ACCEL (accel))->irqs, gsi, level);
}

static gboolean
sv_test_accel_set_irqfd (SvAccel *accel, guint gsi, int fd, gboolean connect, GError **error)
{
  SvTestIrqs *irqs = PRIV (SV_TEST_ACCEL (accel))->irqs;

  if (connect)
    sv_test_irqs_connect_fd (irqs, gsi, fd);
  else
    sv_test_irqs_disconnect_fd (irqs, gsi, fd);
  return TRUE;
}

static gint
sv_test_accel_add_msi_route (SvAccel *accel, guint64 address, guint32 data, GError **error)
{
  return (gint)sv_test_irqs_add_route (PRIV (SV_TEST_ACCEL (accel))->irqs, address, data);
}

static gboolean
sv_test_accel_update_msi_route (
    SvAccel *accel, guint gsi, guint64 address, guint32 data, GError **error)
{
  sv_test_irqs_update_route (PRIV (SV_TEST_ACCEL (accel))->irqs, gsi, address, data);
  return TRUE;
}

static void
sv_test_accel_remove_msi_route (SvAccel *accel, guint gsi)
{
  sv_test_irqs_remove_route (PRIV (SV_TEST_ACCEL (accel))->irqs, gsi);
}

static void
sv_test_accel_send_msi (SvAccel *accel, guint64 address, guint32 data)
{
  sv_test_irqs_send (PRIV (SV_TEST_ACCEL (accel))->irqs, address, data);
}

static void
line_changed (gpointer opaque, guint gsi, gboolean level)
{
  if (SV_TEST_ACCEL_GET_CLASS (opaque)->line_changed != NULL)
    SV_TEST_ACCEL_GET_CLASS (opaque)->line_changed (opaque, gsi, level);
}

/* --- GObject --- */

static void
sv_test_accel_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_object (value, PRIV (SV_TEST_ACCEL (object))->chardev);
}

static void
sv_test_accel_dispose (GObject *object)
{
  SvTestAccel *self = SV_TEST_ACCEL (object);
  SvTestAccelPrivate *priv = PRIV (self);

  disconnect (self);
  if (priv->access != NULL)
    sv_clock_release ();
  g_clear_pointer (&priv->access, sv_test_access_free);
  G_OBJECT_CLASS (sv_test_accel_parent_class)->dispose (object);
}

static void
sv_test_accel_finalize (GObject *object)
{
  SvTestAccelPrivate *priv = PRIV (SV_TEST_ACCEL (object));

  g_byte_array_unref (priv->input);
  g_byte_array_unref (priv->output);
  sv_test_irqs_free (priv->irqs);
  G_OBJECT_CLASS (sv_test_accel_parent_class)->finalize (object);
}

static void
sv_test_accel_class_init (SvTestAccelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvAccelClass *accel_class = SV_ACCEL_CLASS (klass);

  object_class->get_property = sv_test_accel_get_property;
  object_class->dispose = sv_test_accel_dispose;
  object_class->finalize = sv_test_accel_finalize;
  accel_class->runs_no_code = TRUE;
  accel_class->open = sv_test_accel_open;
  accel_class->create_vcpu = sv_test_accel_create_vcpu;
  accel_class->reset = sv_test_accel_reset;
  accel_class->set_irq = sv_test_accel_set_irq;
  accel_class->set_irqfd = sv_test_accel_set_irqfd;
  accel_class->add_msi_route = sv_test_accel_add_msi_route;
  accel_class->update_msi_route = sv_test_accel_update_msi_route;
  accel_class->remove_msi_route = sv_test_accel_remove_msi_route;
  accel_class->send_msi = sv_test_accel_send_msi;

  props[PROP_CHARDEV] = g_param_spec_object (
      "chardev", "chardev", "Character device that the test is connected to", SV_TYPE_CHARDEV,
      SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_test_accel_init (SvTestAccel *self)
{
  SvTestAccelPrivate *priv = PRIV (self);

  priv->input = g_byte_array_new ();
  priv->output = g_byte_array_new ();
  priv->irqs = sv_test_irqs_new (line_changed, self);
}

/**
 * sv_test_accel_get_irqs: (skip)
 * @self: a test accelerator
 *
 * Returns: (transfer none): its interrupts
 */
SvTestIrqs *
sv_test_accel_get_irqs (SvTestAccel *self)
{
  return PRIV (self)->irqs;
}

/**
 * sv_test_accel_get_access: (skip)
 * @self: an open test accelerator
 *
 * Returns: (transfer none): its way to memory and ports
 */
SvTestAccess *
sv_test_accel_get_access (SvTestAccel *self)
{
  return PRIV (self)->access;
}

/**
 * sv_test_accel_connect:
 * @self: a test accelerator
 * @chardev: a character device that nothing uses
 * @error: return location
 *
 * Serves the test at the other end of @chardev from now on.
 *
 * Returns: %FALSE when @chardev is in use, or @self has one already
 */
gboolean
sv_test_accel_connect (SvTestAccel *self, SvChardev *chardev, GError **error)
{
  SvTestAccelPrivate *priv = PRIV (self);

  if (priv->chardev != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                   "a test is connected to the accelerator already, by character device '%s'",
                   sv_object_get_id (priv->chardev));
      return FALSE;
    }
  sv_object_set_link (SV_OBJECT (self), props[PROP_CHARDEV], &priv->chardev, SV_OBJECT (chardev));
  if (sv_chardev_attach (chardev, &frontend, self, error))
    return TRUE;
  sv_object_set_link (SV_OBJECT (self), props[PROP_CHARDEV], &priv->chardev, NULL);
  return FALSE;
}
