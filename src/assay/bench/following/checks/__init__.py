"""What each instruction asks for: functions of an answer and the instruction's arguments, by theme."""
