namespace FastIot.Training;

/// <summary>Where a training stands, in one file, replaced as a whole: written after every epoch and on Ctrl-C, removed once the model is there.</summary>
internal sealed class Checkpoint(string path, string fingerprint)
{
    public string Path => path;

    /// <returns>Whether there was one.</returns>
    /// <exception cref="InvalidDataException">It belongs to a training with other settings, or is damaged.</exception>
    public bool TryLoad(Trainer trainer)
    {
        if (!File.Exists(path)) return false;
        using var file = new BinaryReader(File.OpenRead(path));
        try
        {
            if (file.ReadString() != fingerprint) throw new InvalidDataException($"{path} belongs to a training with other settings: remove it to begin anew");
            trainer.Load(file);
            return true;
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"{path} is damaged ({e.Message}): remove it to begin anew", e);
        }
    }

    public void Save(Trainer trainer)
    {
        using (var file = new BinaryWriter(File.Create(path + ".new")))
        {
            file.Write(fingerprint);
            trainer.Save(file);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    public void Remove() => File.Delete(path);
}
