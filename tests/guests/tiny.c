/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest of a few kilobytes for any /dev/kvm: it needs no instruction that a host without hardware
 * virtualisation cannot run. It prints how it was entered, then does what the letters after "do=" on
 * its command line say, one after the other.
 */
#include "tiny.h"

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define PANIC_PORT 0x505
#define EVENTS 0xf0000000
#define FREE_MEMORY 0x2000000
#define POWER_BUTTON 2
#define OTHER_GENERATION 32
#define GENERATION 0xfc028

/* PVH start_info (Xen public/arch-x86/hvm/start_info.h). */
#define START_INFO_CMDLINE 24
#define START_INFO_RSDP 32
/* struct boot_params (Linux Documentation/x86/zero-page.rst). */
#define ZERO_PAGE_RSDP 0x070
#define ZERO_PAGE_E820_COUNT 0x1e8
#define ZERO_PAGE_CMDLINE 0x228

static inline void
out8 (uint16_t port, uint8_t value)
{
  __asm__ volatile ("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t
in8 (uint16_t port)
{
  uint8_t value;

  __asm__ volatile ("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void
out16 (uint16_t port, uint16_t value)
{
  __asm__ volatile ("outw %0, %1" : : "a"(value), "Nd"(port));
}

static void
print_char (char c)
{
  while (!(in8 (LINE_STATUS) & 0x20))
    ;
  out8 (COM1, (uint8_t) c);
}

void
print (const char *text)
{
  for (; *text != '\0'; text++)
    print_char (*text);
}

void
print_number (uint64_t value)
{
  char digits[21];
  int n = 0;

  do
    {
      digits[n++] = (char) ('0' + value % 10);
      value /= 10;
    }
  while (value != 0);
  while (n > 0)
    print_char (digits[--n]);
}

static uint64_t
load (uint64_t address, int size)
{
  uint64_t value = 0;

  for (int i = size - 1; i >= 0; i--)
    value = value << 8 | *(const volatile uint8_t *) (address + (uint64_t) i);
  return value;
}

static void
count (void)
{
  for (uint64_t n = 1;; n++)
    {
      for (volatile int i = 0; i < 2000; i++)
        ;
      print ("count ");
      print_number (n);
      print ("\n");
    }
}

/* Sends back what comes in, until a "q". */
static void
echo (void)
{
  for (;;)
    {
      char c;

      if (!(in8 (LINE_STATUS) & 1))
        continue;
      c = (char) in8 (COM1);
      if (c == 'q')
        return;
      print_char (c);
    }
}

/* The first 4 GiB, one to one: what the VMM mapped for the entry may end below the devices. */
void
map_devices (void)
{
  static uint64_t tables[6][512] __attribute__ ((aligned (4096)));

  tables[0][0] = (uint64_t) tables[1] | 3;
  for (uint64_t i = 0; i < 4; i++)
    tables[1][i] = (uint64_t) tables[2 + i] | 3;
  for (uint64_t i = 0; i < 2048; i++)
    tables[2 + i / 512][i % 512] = i << 21 | 0x83; /* present, writable, 2 MiB */
  __asm__ volatile ("mov %0, %%cr3" : : "r"(tables) : "memory");
}

/* Writes to 2 MiB over and over, a page at a time, and counts the rounds. */
static void
write_pages (void)
{
  map_devices ();
  for (uint64_t n = 1;; n++)
    {
      for (int i = 0; i < 512; i++)
        {
          *(volatile uint8_t *) (FREE_MEMORY + (uint64_t) i * 4096) = (uint8_t) n;
          for (volatile int j = 0; j < 20; j++)
            ;
        }
      print ("count ");
      print_number (n);
      print ("\n");
    }
}

/* The FADT: to what the power button and sleeping belong. 0: there is none. */
static uint64_t
find_fadt (uint64_t rsdp)
{
  int entry_size;
  uint64_t list;
  uint64_t end;

  if (rsdp == 0)
    return 0;
  map_devices ();
  entry_size = load (rsdp + 15, 1) >= 2 ? 8 : 4;
  list = entry_size == 8 ? load (rsdp + 24, 8) : load (rsdp + 16, 4);
  end = list + load (list + 4, 4);
  for (uint64_t at = list + 36; at < end; at += (uint64_t) entry_size)
    if (load (load (at, entry_size), 4) == 0x50434146) /* FACP */
      return load (at, entry_size);
  return 0;
}

/* Sleep type 5 into the register of fixed hardware (ACPI 6.5 4.8.3.2.1) or of the sleep control register (4.8.3.7). */
static void
power_off (uint64_t rsdp)
{
  uint64_t fadt = find_fadt (rsdp);
  uint8_t sleep = 5 << 2 | 1 << 5;

  if (fadt == 0)
    print ("no fadt\n");
  else if (load (fadt + 64, 4) != 0)
    out16 ((uint16_t) load (fadt + 64, 4), sleep << 8);
  else if (load (fadt + 244, 1) == 1)
    out8 ((uint16_t) load (fadt + 248, 8), sleep);
  else
    *(volatile uint8_t *) load (fadt + 248, 8) = sleep;
  print ("power-off failed\n");
}

/* Waits for the power button: an event of the generic event device, which forgets it when it is read. */
static void
await_button (void)
{
  map_devices ();
  while ((*(const volatile uint32_t *) EVENTS & POWER_BUTTON) == 0)
    ;
  print ("button\n");
}

/* The generation of the VM, as it is and each time that the generic event device tells of another one. */
static void
watch_generation (void)
{
  map_devices ();
  for (;;)
    {
      print ("generation ");
      for (int i = 0; i < 16; i++)
        {
          uint8_t value = *(const volatile uint8_t *) (GENERATION + (uint64_t) i);

          print_char ("0123456789abcdef"[value >> 4]);
          print_char ("0123456789abcdef"[value & 15]);
        }
      print ("\n");
      while ((*(const volatile uint32_t *) EVENTS & OTHER_GENERATION) == 0)
        ;
    }
}

static void
triple_fault (void)
{
  struct
  {
    uint16_t limit;
    uint64_t base;
  } __attribute__ ((packed)) none = { 0, 0 };

  __asm__ volatile ("mov $0x5115e9, %%ebx; lidt %0; ud2" : : "m"(none) : "rbx");
}

/* An instruction that KVM's emulator does not know, for hosts whose KVM emulates. */
static void
exotic (void)
{
  static uint8_t operand[16] __attribute__ ((aligned (16)));

  __asm__ volatile ("lock cmpxchg16b %0" : "+m"(operand) : "a"(0), "b"(0), "c"(0), "d"(0) : "cc");
  print ("exotic done\n");
}

static void
print_rtc (void)
{
  static const uint8_t fields[] = { 0x32, 9, 8, 7, 4, 2, 0 };

  print ("rtc");
  for (unsigned i = 0; i < sizeof fields; i++)
    {
      uint8_t value;

      out8 (0x70, fields[i]);
      value = in8 (0x71);
      print_char (i == 0 ? ' ' : ':');
      print_char ("0123456789abcdef"[value >> 4]);
      print_char ("0123456789abcdef"[value & 15]);
    }
  print ("\n");
}

static void
act (char letter, char how, uint64_t info, const char *words)
{
  uint64_t rsdp = load (info + (how == 'p' ? START_INFO_RSDP : ZERO_PAGE_RSDP), 8);

  if (letter == 'h')
    print ("hello\n");
  else if (letter == 'a')
    {
      print ("args ");
      print (words);
      print ("\n");
    }
  else if (letter == 'm')
    {
      print ("e820 ");
      print_number (how == 'p' ? load (info + 48, 4) : load (info + ZERO_PAGE_E820_COUNT, 1));
      print ("\n");
    }
  else if (letter == 'k')
    print_rtc ();
  else if (letter == 'c')
    count ();
  else if (letter == 'w')
    write_pages ();
  else if (letter == 'e')
    echo ();
  else if (letter == 'p')
    power_off (rsdp);
  else if (letter == 'o')
    await_button ();
  else if (letter == 'i')
    watch_generation ();
  else if (letter == 'n')
    out8 (PANIC_PORT, 1);
  else if (letter == 'r')
    out8 (0x64, 0xfe);
  else if (letter == 't')
    triple_fault ();
  else if (letter == 'g' || letter == 'b')
    answer_ejects (letter == 'b');
  else if (letter == 'v')
    drive_disk ();
  else if (letter == 'f')
    use_files ();
  else if (letter == 'F')
    reset_files ();
  else if (letter == 'x')
    exotic ();
  else
    print ("what?\n");
}

void tiny_main (char how, uint64_t info);

void
tiny_main (char how, uint64_t info)
{
  uint64_t words_at = how == 'p' ? load (info + START_INFO_CMDLINE, 8)
                                 : load (info + ZERO_PAGE_CMDLINE, 4);
  const char *words = words_at != 0 ? (const char *) words_at : "";

  print ("tiny ");
  print (how == 'p' ? "pvh" : how == 'b' ? "bzimage" : how == 'e' ? "elf" : "raw");
  print ("\n");
  for (const char *at = words; *at != '\0'; at++)
    {
      if (at[0] != 'd' || at[1] != 'o' || at[2] != '=' || (at != words && at[-1] != ' '))
        continue;
      for (at += 3; *at != '\0' && *at != ' '; at++)
        act (*at, how, info, words);
      break;
    }
  print ("tiny end\n");
}
