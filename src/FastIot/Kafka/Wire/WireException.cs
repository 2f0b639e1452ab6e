namespace FastIot.Kafka.Wire;

/// <summary>A broker cannot be reached, hung up, or said what cannot be understood; the message names the broker. Trying again may help.</summary>
internal class WireException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Trying again does not help: refused for good, not supported, or not to be understood.</summary>
internal sealed class WireRefusedException(string message, Exception? inner = null) : WireException(message, inner);
