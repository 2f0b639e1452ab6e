namespace FastIot.Scoring;

/// <summary>A model cannot be used; the message says which file, what is wrong with it and what would be right.</summary>
public sealed class ModelException(string message, Exception? inner = null) : Exception(message, inner);
