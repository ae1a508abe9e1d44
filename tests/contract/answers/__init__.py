"""What the controller makes of answers that are not the API's: every change, every answer, every state before."""
