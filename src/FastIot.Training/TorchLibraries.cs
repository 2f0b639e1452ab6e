using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace FastIot.Training;

/// <summary>
/// Makes TorchSharp load on systems whose libstdc++ is older than GCC 13 (Debian 12). Its library asks for GLIBCXX_3.4.32 because of one
/// symbol, which merely initialises the standard streams: the demand is marked as weak in the copy beside this program, and the symbol
/// comes from a few lines of C, compiled on the spot and loaded first.
/// </summary>
internal static partial class TorchLibraries
{
    private const string Version = "GLIBCXX_3.4.32";
    private const uint VersionNeeds = 0x6ffffffe;
    private const ushort Weak = 2;
    private const int NowGlobal = 0x102;

    private const string Shim = """
        extern void _ZNSt8ios_base4InitC1Ev(void *);
        void _ZSt21ios_base_library_initv(void) { static int done; static char init[16]; if (!done) { done = 1; _ZNSt8ios_base4InitC1Ev(init); } }
        """;

    /// <summary>Call before the first use of TorchSharp.</summary>
    public static void Prepare()
    {
        if (!OperatingSystem.IsLinux()) return;
        KeepFreedMemory();
        if (HasVersion()) return;
        string folder = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native");
        string library = Path.Combine(folder, "libLibTorchSharp.so");
        if (!File.Exists(library)) throw new FileNotFoundException($"{library} is missing: build FastIot.Training again");
        MarkWeak(library);
        string shim = Path.Combine(folder, "libfastiot-ios-init.so");
        if (!File.Exists(shim)) Compile(shim);
        if (dlopen(shim, NowGlobal) == 0) throw new DllNotFoundException($"{shim} cannot be loaded");
    }

    /// <summary>
    /// Every step allocates and frees the same large tensors. glibc would map and unmap each, and the kernel clear its pages anew.
    /// </summary>
    private static void KeepFreedMemory()
    {
        const int trimThreshold = -1, mapThreshold = -3;
        _ = mallopt(mapThreshold, int.MaxValue);
        _ = mallopt(trimThreshold, int.MaxValue);
    }

    private static bool HasVersion()
    {
        if (!NativeLibrary.TryLoad("libstdc++.so.6", out nint handle)) return true;
        return NativeLibrary.TryGetExport(handle, "_ZSt21ios_base_library_initv", out _);
    }

    private static void Compile(string shim)
    {
        // Names of our own until it is complete: another process may be at it too.
        string unfinished = $"{shim}.{Environment.ProcessId}", source = $"{unfinished}.c";
        File.WriteAllText(source, Shim);
        using Process gcc = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O1", "-o", unfinished, source, "-l:libstdc++.so.6"]) { RedirectStandardError = true })!;
        string error = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        if (gcc.ExitCode != 0) throw new InvalidOperationException($"gcc could not build {shim}: {error}");
        File.Move(unfinished, shim, overwrite: true);
        File.Delete(source);
    }

    /// <summary>Sets the weak flag of the version's entry in .gnu.version_r (ELF-64, little endian).</summary>
    private static void MarkWeak(string library)
    {
        byte[] elf = File.ReadAllBytes(library);
        ulong sections = BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(0x28));
        int size = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(0x3A)), count = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(0x3C));
        bool changed = false;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> section = elf.AsSpan((int)sections + i * size, size);
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != VersionNeeds) continue;
            int at = (int)BinaryPrimitives.ReadUInt64LittleEndian(section[0x18..]);
            int link = (int)BinaryPrimitives.ReadUInt32LittleEndian(section[0x28..]);
            int strings = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan((int)sections + link * size + 0x18));
            changed |= MarkWeak(elf, at, strings);
        }

        if (!changed) return;
        // Beside and renamed: another process may have the old file mapped.
        string changedCopy = $"{library}.{Environment.ProcessId}";
        File.WriteAllBytes(changedCopy, elf);
        File.Move(changedCopy, library, overwrite: true);
    }

    private static bool MarkWeak(byte[] elf, int need, int strings)
    {
        bool changed = false;
        while (true)
        {
            int entries = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(need + 2));
            int entry = need + (int)BinaryPrimitives.ReadUInt32LittleEndian(elf.AsSpan(need + 8));
            for (int i = 0; i < entries; i++)
            {
                Span<byte> fields = elf.AsSpan(entry, 16);
                int name = strings + (int)BinaryPrimitives.ReadUInt32LittleEndian(fields[8..]);
                ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(fields[4..]);
                if (elf.AsSpan(name, Version.Length + 1).SequenceEqual(Encoding.ASCII.GetBytes(Version + "\0")) && (flags & Weak) == 0)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(fields[4..], (ushort)(flags | Weak));
                    changed = true;
                }

                entry += (int)BinaryPrimitives.ReadUInt32LittleEndian(fields[12..]);
            }

            uint next = BinaryPrimitives.ReadUInt32LittleEndian(elf.AsSpan(need + 12));
            if (next == 0) return changed;
            need += (int)next;
        }
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint dlopen(string path, int flags);
}
